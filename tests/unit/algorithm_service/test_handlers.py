"""The use cases with fakes behind the ports."""

import io
import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.algorithm import handlers
from services.algorithm.domain import PLATFORM, Algorithm, Device
from services.algorithm.messages import algorithm_message
from services.algorithm.models import AlgorithmDocument
from services.algorithm.packaging import builtin_folders
from services.kernel.context import Caller, acting_as
from services.kernel.entity import Visibility
from services.kernel.errors import (
    AlreadyExists,
    Conflict,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
)
from services.kernel.storage.bundles import BundleRef, iter_index
from tests.fakes.algorithm import FakeAlgorithmPorts
from tests.support.archives import tar_bytes, zip_bytes

ANN, BOB = Caller("ann"), Caller("bob")
BUILTIN = next(folder for folder in builtin_folders() if folder.name == "text_naive_bayes")
FILES = {
    path.relative_to(BUILTIN).as_posix(): path.read_bytes()
    for path in BUILTIN.rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
}
DEFINITION = FILES["algorithm.yaml"].decode()


@pytest.fixture
def fakes() -> Iterator[FakeAlgorithmPorts]:
    with acting_as(ANN):
        yield FakeAlgorithmPorts()


def created(fakes: FakeAlgorithmPorts, content: bytes | None = None) -> Algorithm:
    return handlers.create_algorithm(fakes.upload(content or zip_bytes(FILES)), fakes.ports)


def refused(fakes: FakeAlgorithmPorts, content: bytes) -> InvalidArgument:
    with pytest.raises(InvalidArgument) as caught:
        created(fakes, content)
    assert caught.value.violations
    assert fakes.algorithms.stored == {}
    assert not list(fakes.store.list("blobs/")), "nothing is left behind"
    return caught.value


@pytest.mark.parametrize("top", ["", "my-algorithm/"])
@pytest.mark.parametrize("pack", [zip_bytes, tar_bytes])
def test_create_reads_the_folder_at_the_top_or_in_a_single_folder(fakes, pack, top) -> None:  # type: ignore[no-untyped-def]
    algorithm = created(fakes, pack({top + name: content for name, content in FILES.items()}))
    assert (algorithm.name, algorithm.major_version, algorithm.owner) == ("text-naive-bayes", 1, "ann")
    assert (algorithm.training.command, algorithm.training.device) == (("python", "train.py"), Device.CPU)
    assert json.loads(algorithm.training.parameters_schema)["properties"]["alpha"]["default"] > 0
    assert (algorithm.visibility, algorithm.online) == (Visibility.PRIVATE, False)
    code = algorithm.code
    paths = {entry.path for entry in iter_index(fakes.store, BundleRef(code.index, code.files, code.bytes))}
    assert {"algorithm.yaml", "train.py", "modelyard_sdk/__init__.py"} <= paths
    assert fakes.algorithms.events == ["created"]
    assert not list(fakes.store.list("uploads/"))


def test_the_message_has_everything(fakes: FakeAlgorithmPorts) -> None:
    message = algorithm_message(created(fakes))
    assert message.title["en"] == "Text classification (naive Bayes)"
    assert message.purpose.level1 == "text"
    assert list(message.data_formats) == ["dir"]
    assert message.inference.framework == "sklearn"
    assert [parameter.name for parameter in message.inference.interface.parameters] == ["text"]
    assert message.inference.interface.returns.splitlines()[0].startswith("label (text): ")
    assert message.code.index
    assert len(message.code_hash) == 64


def test_an_owner_takes_a_name_once(fakes: FakeAlgorithmPorts) -> None:
    created(fakes)
    with pytest.raises(AlreadyExists):
        created(fakes)


def test_a_name_says_nothing_about_the_algorithms_of_others(fakes: FakeAlgorithmPorts) -> None:
    own = created(fakes)
    with acting_as(BOB):
        upload = fakes.upload(zip_bytes(FILES), owner="bob")
        assert handlers.create_algorithm(upload, fakes.ports).name == own.name
    assert own.name in {preset.name for preset in handlers.register_presets(fakes.ports)}


def test_the_stored_names_are_unique_for_each_owner() -> None:
    meta: dict[str, list[object]] = AlgorithmDocument._meta
    unique = [index for index in meta["indexes"] if isinstance(index, dict) and index.get("unique")]
    assert [index["fields"] for index in unique] == [["project", "owner", "name"]]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"this is a text", "ARCHIVE_UNKNOWN"),
        (zip_bytes(FILES)[:-40], "ARCHIVE_CORRUPT"),
        (zip_bytes({"train.py": b"pass"}), "DEFINITION_MISSING"),
        (zip_bytes({"a/algorithm.yaml": b"", "b/train.py": b""}), "DEFINITION_MISSING"),
        (zip_bytes({**FILES, "../../evil.py": b""}), "PATH_TRAVERSAL"),
        (zip_bytes({"algorithm.yaml": b"]["}), "DEFINITION_INVALID"),
    ],
)
def test_bad_archives_are_refused_with_the_reason(fakes: FakeAlgorithmPorts, content: bytes, reason: str) -> None:
    assert refused(fakes, content).reason == reason


def test_links_are_refused(fakes: FakeAlgorithmPorts) -> None:
    buffer = io.BytesIO()
    link = zipfile.ZipInfo("link")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert refused(fakes, buffer.getvalue()).reason == "LINK"


def test_every_faulty_field_is_named_with_its_line(fakes: FakeAlgorithmPorts) -> None:
    faulty = DEFINITION.replace("device: cpu", "device: abacus", 1).replace("framework: sklearn", "framework: pickle")
    error = refused(fakes, zip_bytes({**FILES, "algorithm.yaml": faulty.encode()}))
    fields = {violation.field.partition(": ")[2] for violation in error.violations}
    assert {"training.device", "inference.framework"} <= fields
    assert all(violation.field.startswith("algorithm.yaml:") for violation in error.violations)
    assert any("abacus" in violation.description for violation in error.violations)


def test_archives_that_are_too_large_are_refused(fakes: FakeAlgorithmPorts) -> None:
    upload = fakes.upload(os.urandom(1024) * (64 * 1024 + 1))
    with pytest.raises(InvalidArgument) as caught:
        handlers.create_algorithm(upload, fakes.ports)
    assert caught.value.reason == "ARCHIVE_TOO_LARGE"


def test_uploads_of_others_do_not_exist(fakes: FakeAlgorithmPorts) -> None:
    with pytest.raises(NotFound):
        handlers.create_algorithm(fakes.upload(zip_bytes(FILES), owner="bob"), fakes.ports)


def test_life_of_an_algorithm(fakes: FakeAlgorithmPorts) -> None:
    algorithm = created(fakes)
    with acting_as(BOB), pytest.raises(NotFound):
        handlers.get_algorithm(algorithm.id, fakes.ports)
    change = handlers.AlgorithmChange(title={"en": "Bayes"}, visibility=Visibility.PUBLIC)
    algorithm = handlers.update_algorithm(handlers.UpdateAlgorithm(algorithm.id, algorithm.etag, change), fakes.ports)
    assert algorithm.title == {"en": "Bayes"}
    with acting_as(BOB), pytest.raises(PermissionDenied):
        handlers.online_algorithm(algorithm.id, "", fakes.ports)
    with pytest.raises(Conflict):
        handlers.online_algorithm(algorithm.id, "99", fakes.ports)
    handlers.online_algorithm(algorithm.id, "", fakes.ports)
    for forbidden in (handlers.online_algorithm, handlers.delete_algorithm):
        with pytest.raises(FailedPrecondition):
            forbidden(algorithm.id, "", fakes.ports)
    handlers.offline_algorithm(algorithm.id, "", fakes.ports)
    handlers.delete_algorithm(algorithm.id, "", fakes.ports)
    assert fakes.algorithms.events == ["created", "updated", "onlined", "offlined", "deleted"]
    assert fakes.algorithms.stored == {}


def test_only_administrators_make_presets(fakes: FakeAlgorithmPorts) -> None:
    change = handlers.UpdateAlgorithm(created(fakes).id, "", handlers.AlgorithmChange(visibility=Visibility.PRESET))
    with pytest.raises(PermissionDenied):
        handlers.update_algorithm(change, fakes.ports)


def test_presets_are_registered_once(fakes: FakeAlgorithmPorts) -> None:
    registered = handlers.register_presets(fakes.ports)
    assert {algorithm.name for algorithm in registered} == {"image-classification", "text-naive-bayes"}
    for algorithm in fakes.algorithms.stored.values():
        assert (algorithm.owner, algorithm.visibility, algorithm.online) == (PLATFORM, Visibility.PRESET, True)
    assert handlers.register_presets(fakes.ports) == []


def test_a_faulty_preset_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "algorithm.yaml").write_text("contract: 7", encoding="utf-8")
    fakes = FakeAlgorithmPorts([tmp_path, BUILTIN])
    (registered,) = handlers.register_presets(fakes.ports)
    assert registered.name == "text-naive-bayes"


def test_changed_code_of_a_preset_is_a_new_major_version(tmp_path: Path) -> None:
    folder = tmp_path / "preset"
    shutil.copytree(BUILTIN, folder, ignore=shutil.ignore_patterns("__pycache__"))
    fakes = FakeAlgorithmPorts([folder])
    (first,) = handlers.register_presets(fakes.ports)
    (folder / "train.py").write_text("pass\n")
    (second,) = handlers.register_presets(fakes.ports)
    assert (second.id, second.major_version) == (first.id, 2)
    assert second.code_hash != first.code_hash
    assert handlers.register_presets(fakes.ports) == []
    assert fakes.algorithms.events == ["created", "onlined", "updated"]


def test_an_administrators_choice_to_take_a_preset_offline_stays(tmp_path: Path) -> None:
    fakes = FakeAlgorithmPorts([BUILTIN])
    (preset,) = handlers.register_presets(fakes.ports)
    with acting_as(Caller("root", roles=frozenset({"admin"}))):
        handlers.offline_algorithm(preset.id, "", fakes.ports)
    handlers.register_presets(fakes.ports)
    assert not fakes.algorithms.get(preset.id).online
