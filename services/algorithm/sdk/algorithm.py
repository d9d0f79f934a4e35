"""What a run knows of its algorithm: the folder with `algorithm.yaml` and the fields that the SDK uses."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import ContractError
from .files import algorithm_files, code_hash
from .jsontypes import Json, JsonObject, as_object, as_text

DEFINITION = "algorithm.yaml"


@dataclass(frozen=True)
class Algorithm:
    """An algorithm's folder and definition; a script without `algorithm.yaml` has no folder and takes any parameter."""

    folder: Path | None
    definition: JsonObject

    @classmethod
    def find(cls, environment: Mapping[str, str]) -> "Algorithm":
        """Look in MODELYARD_ALGORITHM, beside the main script, and in the current folder."""
        named = environment.get("MODELYARD_ALGORITHM")
        script = getattr(sys.modules.get("__main__"), "__file__", None)
        candidates = [Path(named)] if named else [Path(script).parent] if script else []
        for folder in [*candidates, Path.cwd()]:
            if (folder / DEFINITION).is_file():
                return cls.read(folder)
        return cls(None, {})

    @classmethod
    def read(cls, folder: Path) -> "Algorithm":
        """Read `algorithm.yaml` of `folder`; raises ContractError when it is no YAML mapping."""
        import yaml

        try:
            document: Json = yaml.safe_load((folder / DEFINITION).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ContractError(f"{folder / DEFINITION}: cannot be read ({error})") from error
        if not isinstance(document, dict):
            raise ContractError(f"{folder / DEFINITION}: expected a mapping")
        return cls(folder.resolve(), document)

    @property
    def name(self) -> str:
        """The algorithm's name, or "script" without a definition."""
        return as_text(self.definition.get("name")) or "script"

    @property
    def version(self) -> str:
        """The algorithm's version, for example "v1.0"; empty without a definition."""
        return as_text(self.definition.get("version"))

    @property
    def training(self) -> JsonObject:
        """The section `training`: command, args, env, device, parameters."""
        return as_object(self.definition.get("training"))

    @property
    def parameter_schema(self) -> JsonObject | None:
        """The JSON Schema of the parameters, or None when the script declares none."""
        schema = self.training.get("parameters")
        return schema if isinstance(schema, dict) else None

    @property
    def interface(self) -> JsonObject:
        """The user-facing inference interface: name, method, format, parameters, returns."""
        return as_object(as_object(self.definition.get("inference")).get("interface"))

    def code_hash(self) -> str:
        """SHA-256 over the algorithm's files, as the platform computes it; empty without a folder."""
        return code_hash(algorithm_files(self.folder)) if self.folder else ""


def sdk_search_path(scratch: Path) -> str:
    """Return a folder to put on PYTHONPATH so that `import modelyard_sdk` finds this SDK.

    Inside a run that is the folder above the package; in the repository, where the package has another name, a link
    named `modelyard_sdk` is made in `scratch`.
    """
    package = Path(__file__).resolve().parent
    if package.name == "modelyard_sdk":
        return str(package.parent)
    link = scratch / "modelyard_sdk"
    if not link.exists():
        link.symlink_to(package)
    return str(scratch)
