"""Model entries out of bundles of the object store."""

from pathlib import Path

from services.kernel.errors import DomainError, Unavailable
from services.kernel.storage import bundles
from services.kernel.storage.objects import ObjectStore
from services.kernel.values import BundleRef
from services.serving.domain import ModelRejected, ServedModel
from services.serving.entries import EntryRepository, Marker
from services.serving.naming import Layout


class BundleEntries:
    """Triton's repository, filled from the object store."""

    def __init__(self, repository: EntryRepository, store: ObjectStore, layout: Layout = Layout.WHOLE) -> None:
        self._repository = repository
        self._store = store
        self._layout = layout

    def services(self) -> set[str]:
        return self._repository.services()

    def names(self, service_id: str) -> list[str]:
        return self._repository.names(service_id)

    def write(self, service_id: str, bundle: BundleRef, load: int) -> ServedModel:
        """See the port. A bundle that is gone or damaged is a ModelRejected: repeating does not help."""

        def fetch(folder: Path) -> None:
            try:
                bundles.materialise(self._store, bundle, folder)
            except Unavailable:
                raise
            except DomainError as error:
                raise ModelRejected(f"The files of the model cannot be read: {error.message}") from error

        model = self._repository.write(service_id, Marker(bundle.index, load, self._layout), fetch)
        return ServedModel((model.preprocessing.parameter,), model.labels)

    def remove(self, service_id: str) -> None:
        self._repository.remove(service_id)

    def refresh(self, service_id: str) -> None:
        self._repository.refresh(service_id)
