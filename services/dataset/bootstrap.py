"""The only place where the service is wired."""

from services.dataset.adapters.content import StoredBundles, StoredUploads
from services.dataset.adapters.jobs import StoredImportJobs
from services.dataset.config import DatasetSettings
from services.dataset.formats import Registry
from services.dataset.models import DatasetRepository, VersionRepository
from services.dataset.ports import Ports
from services.kernel.storage import mongo
from services.kernel.storage.holds import objects_held
from services.kernel.storage.objects import MinioStore
from services.kernel.storage.transactions import in_transaction
from services.kernel.workfolder import WorkFolder

SERVICE = "dataset"


def build(settings: DatasetSettings) -> Ports:
    """Connect the process and give the handlers what they need."""
    mongo.connect(settings, SERVICE)
    store = MinioStore(settings)
    return Ports(
        datasets=DatasetRepository(),
        versions=VersionRepository(),
        jobs=StoredImportJobs(),
        uploads=StoredUploads(store, objects_held),
        bundles=StoredBundles(store),
        formats=Registry(),
        workspace=WorkFolder(settings.work_folder),
        transaction=in_transaction,
    )
