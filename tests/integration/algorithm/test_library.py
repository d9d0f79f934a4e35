"""The algorithm library through the service's own processes, on real servers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from pymongo import MongoClient

from protos.algorithm.v1 import algorithm_pb2, algorithm_pb2_grpc
from protos.common.v1 import common_pb2
from services.algorithm.packaging import builtin_folders
from services.kernel.config import KernelSettings
from services.kernel.context import Caller, acting_as
from services.kernel.errors import Conflict, FailedPrecondition, InvalidArgument, NotFound, PermissionDenied
from services.kernel.grpc import client
from services.kernel.ids import new_id
from services.kernel.storage import uploads
from services.kernel.storage.bundles import BundleRef, materialise
from services.kernel.storage.objects import MinioStore
from tests.support.archives import zip_bytes
from tests.support.polling import eventually
from tests.support.servers import Servers
from tests.support.service_process import answers, service_process, settings_of, stop

PRESETS = {"image-classification", "text-naive-bayes"}
BUILTIN = next(folder for folder in builtin_folders() if folder.name == "text_naive_bayes")
ANN, BOB, ADMIN = Caller("ann"), Caller("bob"), Caller("root", roles=frozenset({"admin"}))


def archive(name: str, **changes: str) -> bytes:
    """The preset as somebody's own algorithm of another name, with texts replaced in its definition."""
    definition = (BUILTIN / "algorithm.yaml").read_text(encoding="utf-8").replace("text-naive-bayes", name)
    for old, new in changes.items():
        definition = definition.replace(f"{old}:", f"{new}:", 1)
    files = {f"{name}/{path.name}": path.read_bytes() for path in BUILTIN.iterdir() if path.is_file()}
    return zip_bytes({**files, f"{name}/algorithm.yaml": definition.encode()})


class Library:
    """What a user does with algorithms, over gRPC."""

    def __init__(self, servers: Servers, settings: KernelSettings) -> None:
        self.rpc = algorithm_pb2_grpc.AlgorithmServiceStub(client.connect(settings, "algorithm", as_service="test"))
        self.store = MinioStore(settings)
        self.database = MongoClient[dict[str, object]](servers.mongo_uri)["modelyard_algorithm"]

    def create(self, content: bytes, owner: str = "ann", request_id: str = "") -> algorithm_pb2.Algorithm:
        upload_id = new_id("up")
        uploads.put_part(self.store, upload_id, 0, content)
        uploads.complete(self.store, upload_id, owner=owner, filename="algorithm.zip", size=len(content))
        request = algorithm_pb2.CreateAlgorithmRequest(upload_id=upload_id, request_id=request_id)
        created: algorithm_pb2.Algorithm = self.rpc.CreateAlgorithm(request)
        return created

    def named(self, **wanted: object) -> dict[str, algorithm_pb2.Algorithm]:
        request = algorithm_pb2.ListAlgorithmsRequest(**wanted)  # type: ignore[arg-type]
        return {algorithm.name: algorithm for algorithm in self.rpc.ListAlgorithms(request).algorithms}

    def events(self, algorithm_id: str) -> list[str]:
        rows = self.database["outbox"].find({"subject": f"algorithm/{algorithm_id}"}).sort("sequence")
        return [str(row["type"]) for row in rows]


@pytest.fixture(scope="module")
def library(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    settings = settings_of(servers)
    log = tmp_path_factory.mktemp("algorithm") / "process.log"
    with service_process(servers, "algorithm", "rpc", "control", log=log):
        answers(settings, "algorithm")
        yield Library(servers, settings)


@pytest.fixture(autouse=True)
def ann() -> Iterator[None]:
    with acting_as(ANN):
        yield


def test_presets_are_there_for_all(library: Library, tmp_path: Path) -> None:
    eventually(lambda: set(library.named(online=True)) >= PRESETS, 30)
    with acting_as(BOB):
        presets = library.named(online=True, purpose="image")
        preset = presets["image-classification"]
        assert preset.visibility == common_pb2.VISIBILITY_PRESET
        assert (preset.owner, preset.major_version, preset.inference.framework) == ("platform", 1, "onnx")
        with pytest.raises(PermissionDenied):
            library.rpc.OfflineAlgorithm(algorithm_pb2.OfflineAlgorithmRequest(id=preset.id))
    materialise(library.store, BundleRef(preset.code.index, preset.code.files, preset.code.bytes), tmp_path / "code")
    assert (tmp_path / "code" / "train.py").is_file()
    assert (tmp_path / "code" / "modelyard_sdk" / "__init__.py").is_file()
    assert library.events(preset.id) == ["algorithm.created", "algorithm.onlined"]


def test_presets_are_registered_once_whoever_starts_again(library: Library, servers: Servers, tmp_path: Path) -> None:
    eventually(lambda: set(library.named(online=True)) >= PRESETS, 30)
    before = library.named()
    log = tmp_path / "control.log"
    with service_process(servers, "algorithm", "control", log=log) as second:
        eventually(lambda: "process_started" in log.read_text(), 30)
        assert stop(second) == 0
    after = library.named()
    assert {name: after[name].etag for name in PRESETS} == {name: before[name].etag for name in PRESETS}


def test_life_of_an_own_algorithm(library: Library) -> None:
    algorithm = library.create(archive("my-bayes"))
    assert (algorithm.name, algorithm.owner, algorithm.online) == ("my-bayes", "ann", False)
    assert list(algorithm.training.command) == ["python", "train.py"]
    with acting_as(BOB):
        assert "my-bayes" not in library.named()
        with pytest.raises(NotFound):
            library.rpc.GetAlgorithm(algorithm_pb2.GetAlgorithmRequest(id=algorithm.id))
    change = algorithm_pb2.Algorithm(description="mine", visibility=common_pb2.VISIBILITY_PUBLIC, etag=algorithm.etag)
    request = algorithm_pb2.UpdateAlgorithmRequest(
        id=algorithm.id, algorithm=change, update_mask=FieldMask(paths=["description", "visibility"])
    )
    assert library.rpc.UpdateAlgorithm(request).description == "mine"
    with pytest.raises(Conflict):
        library.rpc.UpdateAlgorithm(request)
    library.rpc.OnlineAlgorithm(algorithm_pb2.OnlineAlgorithmRequest(id=algorithm.id))
    with acting_as(BOB):
        assert library.named(name="my-bayes", online=True)["my-bayes"].id == algorithm.id
    with pytest.raises(FailedPrecondition):
        library.rpc.DeleteAlgorithm(algorithm_pb2.DeleteAlgorithmRequest(id=algorithm.id))
    library.rpc.OfflineAlgorithm(algorithm_pb2.OfflineAlgorithmRequest(id=algorithm.id))
    library.rpc.DeleteAlgorithm(algorithm_pb2.DeleteAlgorithmRequest(id=algorithm.id))
    assert library.events(algorithm.id) == [
        f"algorithm.{event}" for event in ("created", "updated", "onlined", "offlined", "deleted")
    ]


def test_a_request_id_registers_once(library: Library) -> None:
    content, request_id = archive("once-bayes"), new_id("req")
    upload_id = new_id("up")
    uploads.put_part(library.store, upload_id, 0, content)
    uploads.complete(library.store, upload_id, owner="ann", filename="a.zip", size=len(content))
    request = algorithm_pb2.CreateAlgorithmRequest(upload_id=upload_id, request_id=request_id)
    first = library.rpc.CreateAlgorithm(request)
    assert library.rpc.CreateAlgorithm(request) == first
    assert not list(library.store.list(f"uploads/{upload_id}/")), "the upload is removed"


def test_faulty_definitions_name_their_fields(library: Library) -> None:
    with pytest.raises(InvalidArgument) as caught:
        library.create(archive("bad-bayes", framework="frame"))
    assert caught.value.reason == "DEFINITION_INVALID"
    assert any("inference" in violation.field for violation in caught.value.violations)
    with pytest.raises(InvalidArgument) as caught:
        library.create(b"no archive at all")
    assert caught.value.reason == "ARCHIVE_UNKNOWN"
    assert "bad-bayes" not in library.named()
