"""Commands on services. They change what is wanted; `reconcile` does it."""

from dataclasses import dataclass

from services.kernel.context import current_traceparent
from services.kernel.entity import Visibility
from services.kernel.errors import FailedPrecondition, InvalidArgument
from services.kernel.ids import new_id
from services.kernel.rights import require_caller, require_may_give, require_owner, require_visible
from services.serving.domain import MAX_LOAD, Service, ServiceState
from services.serving.ports import Attention, ModelLibrary, Services


@dataclass(frozen=True)
class CreateService:
    name: str
    description: str
    model_version_id: str
    visibility: Visibility


def create_service(command: CreateService, services: Services, library: ModelLibrary) -> Service:
    """A stopped service of the caller. Raises NotFound for a version that the caller may not see."""
    caller = require_caller()
    require_may_give(command.visibility)
    if not command.name.strip():
        raise InvalidArgument.field("service.name", "is empty; expected a name of 1 to 60 characters")
    version = library.version(command.model_version_id)
    if not version.interface.parameters:
        raise FailedPrecondition(
            f"Model {version.model_name} {version.number} has no inference interface, so nothing can be sent to it.",
            reason="MODEL_WITHOUT_INTERFACE",
        )
    service = Service(
        id=new_id("svc"),
        project=caller.project,
        owner=caller.user_id,
        visibility=command.visibility,
        name=command.name,
        description=command.description,
        model_version_id=version.id,
        model_id=version.model_id,
        model_name=version.model_name,
        model_number=version.number,
        task_id=version.task_id,
        framework=version.framework,
        bundle=version.bundle,
        interface=version.interface,
        labels=version.labels,
    )
    service.happened("created")
    services.add(service)
    return service


def start_service(service_id: str, load: int, services: Services) -> Service:
    """`load` 0 means 1."""
    service = _owned(service_id, services)
    service.start(_checked_load(load or 1))
    service.traceparent = current_traceparent()
    services.save(service)
    return service


def stop_service(service_id: str, services: Services) -> Service:
    service = _owned(service_id, services)
    service.stop()
    services.save(service)
    return service


def scale_service(service_id: str, load: int, services: Services) -> Service:
    service = _owned(service_id, services)
    service.scale(_checked_load(load))
    service.traceparent = current_traceparent()
    services.save(service)
    return service


def delete_service(service: Service, services: Services) -> None:
    service.require_deletable()
    service.happened("deleted")
    services.delete(service)


def resolve_service(service_id: str, services: Services) -> Service:
    """A service that answers and that the caller may use."""
    service = services.get(service_id)
    require_visible(service)
    require_running(service)
    return service


def require_running(service: Service) -> None:
    if service.state is ServiceState.RUNNING:
        return
    advice = {
        ServiceState.STARTING: f"wait until it runs ({service.waiting_reason or 'it is loading'})",
        ServiceState.STOPPING: "start it again when it is stopped",
        ServiceState.FAILED: f"start it again when the cause is mended: {service.error}",
    }.get(service.state, f"start it first, with POST /api/v1/services/{service.id}:start")
    raise FailedPrecondition(f"The service {service.id} is {service.state}; {advice}.", reason="SERVICE_NOT_RUNNING")


def attend_to_workload(service_id: str, workload_id: str, services: Services, attention: Attention) -> bool:
    """The scheduler changed a lease: have the reconciler look at it. False when it is nobody's any more."""
    service = services.find_one(id=service_id)
    if service is None or service.lease_of(workload_id) is None:
        return False
    attention.call(service_id)
    return True


def _owned(service_id: str, services: Services) -> Service:
    service = services.get(service_id)
    require_owner(service)
    return service


def _checked_load(load: int) -> int:
    if not 1 <= load <= MAX_LOAD:
        raise InvalidArgument.field("load", f"expected 1 to {MAX_LOAD} instances, got {load}")
    return load
