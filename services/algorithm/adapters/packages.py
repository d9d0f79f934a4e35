"""Algorithm folders, read by `packaging` and stored as bundles."""

import json
import shlex
from collections.abc import Iterable
from pathlib import Path

from services.algorithm import packaging
from services.algorithm.definition_text import DefinitionError
from services.algorithm.domain import Definition, Device, InferenceRuntime, TrainingCommand
from services.kernel.errors import FieldViolation, InvalidArgument
from services.kernel.storage.bundles import write_bundle
from services.kernel.storage.objects import ObjectStore
from services.kernel.values import BundleRef, Interface, InterfaceParameter, Purpose, answer


class StoredPackages:
    def __init__(self, store: ObjectStore, presets: Iterable[Path] | None = None) -> None:
        self._store = store
        self._presets = presets

    def read(self, folder: Path) -> Definition:
        try:
            return _definition(packaging.load_definition(folder))
        except DefinitionError as error:
            violations = [FieldViolation(*_field_and_fault(problem)) for problem in error.problems]
            raise InvalidArgument(str(error), reason="DEFINITION_INVALID", violations=violations) from error

    def store(self, folder: Path) -> BundleRef:
        return write_bundle(self._store, ((name, path, None) for name, path in packaging.pack_files(folder)))

    def presets(self) -> Iterable[Path]:
        return packaging.builtin_folders() if self._presets is None else self._presets


def _field_and_fault(problem: str) -> tuple[str, str]:
    """`algorithm.yaml:7: training.device: expected …` as field and what is wrong with it."""
    place, _, rest = problem.partition(": ")
    field, separator, fault = rest.partition(": ")
    if not separator or " " in field:
        return place, rest
    return f"{place}: {field}", fault


def _definition(read: packaging.AlgorithmDefinition) -> Definition:
    return Definition(
        name=read.name,
        title=read.title,
        description=read.description,
        major_version=int(read.version.lstrip("v").partition(".")[0]),
        purpose=Purpose(*read.purpose),
        data_formats=(read.data_format,),
        training=TrainingCommand(
            command=tuple(shlex.split(read.training.command)),
            args=read.training.args,
            env=read.training.env,
            device=Device(read.training.device),
            parameters_schema=json.dumps(read.training.parameters, ensure_ascii=False),
        ),
        inference=InferenceRuntime(
            framework=read.inference.framework,
            device=Device(read.inference.device),
            interface=_interface(read.inference),
        ),
        code_hash=read.code_hash,
    )


def _interface(read: packaging.Inference) -> Interface:
    return Interface(
        name=read.name,
        method=read.method,
        format=read.format,
        parameters=tuple(
            InterfaceParameter(
                name=parameter.name,
                type=parameter.type,
                required=parameter.required,
                test_value=_text(parameter.test_value),
                description=parameter.description,
            )
            for parameter in read.parameters
        ),
        returns=answer((field.name, field.type, field.description) for field in read.returns),
    )


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
