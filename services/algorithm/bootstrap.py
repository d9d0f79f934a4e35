"""The only place where the service is wired."""

from services.algorithm.adapters.packages import StoredPackages
from services.algorithm.adapters.uploads import StoredUploads
from services.algorithm.config import AlgorithmSettings
from services.algorithm.models import AlgorithmRepository
from services.algorithm.ports import Ports, Transaction
from services.kernel.storage import mongo
from services.kernel.storage.holds import objects_held
from services.kernel.storage.objects import MinioStore
from services.kernel.storage.transactions import in_transaction
from services.kernel.workfolder import WorkFolder

SERVICE = "algorithm"


def build(settings: AlgorithmSettings, transaction: Transaction = in_transaction) -> Ports:
    """Connect the process and give the handlers what they need."""
    mongo.connect(settings, SERVICE)
    store = MinioStore(settings)
    return Ports(
        algorithms=AlgorithmRepository(),
        uploads=StoredUploads(store, objects_held),
        packaging=StoredPackages(store),
        workspace=WorkFolder(settings.work_folder),
        transaction=transaction,
    )
