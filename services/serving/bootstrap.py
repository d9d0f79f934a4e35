"""The only place that wires serving together."""

from dataclasses import dataclass

from services.kernel.control import transaction
from services.kernel.grpc import client
from services.kernel.storage import mongo
from services.kernel.storage.objects import MinioStore
from services.serving.adapters.entries import BundleEntries
from services.serving.adapters.library import TrainerLibrary
from services.serving.adapters.processes import LocalProcesses
from services.serving.adapters.scheduler import Amount, GrpcScheduler, TritonNode
from services.serving.adapters.traffic import TrafficStore
from services.serving.adapters.triton import TritonInference
from services.serving.config import ServingSettings
from services.serving.entries import EntryRepository
from services.serving.handlers.instances import InstanceWatch
from services.serving.handlers.reconcile import Reconciler
from services.serving.models import AttentionStore, ServiceRepository


@dataclass(frozen=True)
class App:
    """Everything that the processes of serving use."""

    settings: ServingSettings
    services: ServiceRepository
    attention: AttentionStore
    traffic: TrafficStore
    library: TrainerLibrary
    scheduler: GrpcScheduler
    triton: TritonInference
    repository: EntryRepository
    entries: BundleEntries


def build(settings: ServingSettings) -> App:
    mongo.connect(settings, "serving")
    repository = EntryRepository(settings.triton_repository)
    return App(
        settings=settings,
        services=ServiceRepository(),
        attention=AttentionStore(),
        traffic=TrafficStore(),
        library=TrainerLibrary(client.connect(settings, "trainer", as_service="serving")),
        scheduler=GrpcScheduler(client.connect(settings, "scheduler", as_service="serving"), _node(settings)),
        triton=TritonInference(settings.triton_grpc),
        repository=repository,
        entries=BundleEntries(repository, MinioStore(settings), settings.layout),
    )


def _node(settings: ServingSettings) -> TritonNode:
    return TritonNode(
        settings.triton_node,
        capacity=Amount(settings.capacity_cpu_millis, settings.capacity_memory_bytes),
        instance=Amount(settings.instance_cpu_millis, settings.instance_memory_bytes),
    )


def reconciler(app: App) -> Reconciler:
    watch = InstanceWatch(LocalProcesses(app.settings.triton_repository))
    return Reconciler(app.services, app.attention, app.scheduler, app.triton, app.entries, watch, transaction)
