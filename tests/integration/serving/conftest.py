"""A Triton of one's own and model folders of all frameworks."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.kernel.ids import new_id
from services.serving.adapters.triton import TritonInference
from services.serving.entries import EntryRepository, Marker
from services.serving.naming import Layout
from tests.support.servers import free_port_base
from tests.support.triton import TritonProcess, make_models


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_models(tmp_path_factory.mktemp("models") / "made")


@pytest.fixture(scope="module")
def triton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TritonProcess]:
    process = TritonProcess(tmp_path_factory.mktemp("triton"), free_port_base())
    process.start()
    yield process
    process.stop()


@pytest.fixture(scope="module")
def inference(triton: TritonProcess) -> Iterator[TritonInference]:
    client = TritonInference(triton.grpc)
    yield client
    client.close()


@pytest.fixture(scope="module")
def repository(triton: TritonProcess) -> EntryRepository:
    return EntryRepository(triton.repository)


def copy_of(folder: Path) -> Callable[[Path], None]:
    """Fills a folder as the object store would."""

    def fetch(target: Path) -> None:
        shutil.copytree(folder, target)

    return fetch


class Installer:
    """Writes and loads entries as the reconciler does."""

    def __init__(self, models: Path, repository: EntryRepository, inference: TritonInference) -> None:
        self._models, self._repository, self._inference = models, repository, inference
        self._made: list[str] = []
        self._shared: dict[str, str] = {}

    def __call__(self, name: str, load: int = 1, layout: Layout = Layout.WHOLE) -> str:
        """The service id of a new entry of the model `name`."""
        service_id = new_id("svc")
        self._made.append(service_id)
        self._repository.write(service_id, Marker("b" * 64, load, layout), copy_of(self._models / name))
        self._inference.load(service_id)
        return service_id

    def shared(self, name: str) -> str:
        """One of load 2 for all tests that leave it as it is."""
        if name not in self._shared:
            self._shared[name] = self(name, 2)
        return self._shared[name]

    def remove_all(self) -> None:
        for service_id in self._made:
            self._inference.unload(service_id)
            self._repository.remove(service_id)


@pytest.fixture(scope="module")
def install(models: Path, repository: EntryRepository, inference: TritonInference) -> Iterator[Installer]:
    installer = Installer(models, repository, inference)
    yield installer
    installer.remove_all()
