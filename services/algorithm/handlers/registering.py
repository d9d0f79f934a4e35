"""How algorithms come into the library: by upload, or with the platform."""

import shutil
from pathlib import Path

from services.algorithm.domain import Algorithm
from services.algorithm.ports import Ports
from services.kernel.archives import Limits, open_archive
from services.kernel.errors import AlreadyExists, FieldViolation, InvalidArgument
from services.kernel.logging import get_logger
from services.kernel.problems import Problem, Refused
from services.kernel.rights import require_caller

MAX_ARCHIVE_BYTES = 64 * 2**20
DEFINITION = "algorithm.yaml"
_LIMITS = Limits(entries=10_000, total_bytes=512 * 2**20)
_PROJECT = "default"
log = get_logger(__name__)


def create_algorithm(upload_id: str, ports: Ports) -> Algorithm:
    """Register the uploaded folder. Raises InvalidArgument that says what is wrong with archive or definition."""
    caller = require_caller()
    upload = ports.uploads.find(upload_id)
    if upload.size > MAX_ARCHIVE_BYTES:
        raise InvalidArgument.field(
            "upload_id",
            f"{upload.filename} has {upload.size} bytes; an algorithm has at most {MAX_ARCHIVE_BYTES}",
            reason="ARCHIVE_TOO_LARGE",
        )
    with ports.workspace.scratch() as folder:
        ports.uploads.spool(upload_id, folder / "archive")
        try:
            code = _unpacked(folder / "archive", upload.filename, folder / "code")
        except Refused as refused:
            raise _invalid(refused.problem) from refused
        definition = ports.packaging.read(code)
        bundle = ports.packaging.store(code)
    algorithm = Algorithm.create(definition, bundle, owner=caller.user_id, project=caller.project)
    ports.algorithms.add(algorithm)
    ports.uploads.delete(upload_id)
    return algorithm


def register_presets(ports: Ports) -> list[Algorithm]:
    """Bring the library to what this release carries; gives those that are new or changed. May be repeated.

    A preset that is faulty is logged and left out; when a server is away, the whole is repeated by the caller.
    """
    changed: list[Algorithm] = []
    for folder in ports.packaging.presets():
        try:
            algorithm = _register_preset(folder, ports)
        except (AlreadyExists, InvalidArgument) as error:
            log.error("preset_not_registered", folder=folder.name, error=error.message)
            continue
        if algorithm is not None:
            changed.append(algorithm)
    return changed


def _register_preset(folder: Path, ports: Ports) -> Algorithm | None:
    definition = ports.packaging.read(folder)
    bundle = ports.packaging.store(folder)

    def store() -> Algorithm | None:
        algorithm = ports.algorithms.preset_named(definition.name)
        if algorithm is None:
            algorithm = Algorithm.preset(definition, bundle, project=_PROJECT)
            ports.algorithms.add(algorithm)
            return algorithm
        if not algorithm.follow(definition, bundle):
            return None
        ports.algorithms.save(algorithm)
        return algorithm

    return ports.transaction(store)


def _unpacked(archive: Path, filename: str, target: Path) -> Path:
    """Unpack and find the folder with the definition: the top, or the single folder there. Raises Refused."""
    for entry in open_archive(archive, filename, _LIMITS):
        path = target / entry.path
        path.parent.mkdir(parents=True, exist_ok=True)
        with entry.open() as source, path.open("xb") as file:
            shutil.copyfileobj(source, file)
    if (target / DEFINITION).is_file():
        return target
    tops = list(target.iterdir())
    if len(tops) == 1 and (tops[0] / DEFINITION).is_file():
        return tops[0]
    message = f"has no {DEFINITION}"
    expected = f"{DEFINITION} at the top of the archive or in its single top folder"
    raise Refused(Problem(message, expected, "DEFINITION_MISSING", filename))


def _invalid(problem: Problem) -> InvalidArgument:
    told = f"{problem.file} {problem.message}; expected {problem.expected}"
    return InvalidArgument(told, reason=problem.reason, violations=[FieldViolation("upload_id", told)])
