"""Keeps the leases of a service in step with the scheduler."""

from collections.abc import Callable

from services.kernel.errors import InvalidArgument, NotFound
from services.serving.domain import Lease, LeaseState, Service
from services.serving.ports import LeaseRequest, Scheduler, WorkloadState, WorkloadView

Save = Callable[[Service], None]


def follow_leases(service: Service, scheduler: Scheduler, *, all_of_them: bool) -> None:
    """Take over what the scheduler says; of placed leases only with `all_of_them`."""
    for lease in list(service.leases):
        if not lease.workload_id or lease.state is LeaseState.RELEASED:
            continue
        if lease.state is LeaseState.WANTED or all_of_them:
            try:
                view = scheduler.look(lease.workload_id)
            except NotFound:
                view = WorkloadView(lease.workload_id, WorkloadState.LOST)
            apply_view(service, lease, view)


def apply_view(service: Service, lease: Lease, view: WorkloadView) -> None:
    """The consequences of one look at a lease."""
    match view.state:
        case WorkloadState.PENDING:
            lease.state, lease.reported = LeaseState.WANTED, False
            if service.desired_load > service.actual_load:
                service.waits(view.message or "Waits for resources.")
        case WorkloadState.PLACED:
            lease.reported = lease.reported and lease.fence == view.fence
            lease.state, lease.fence = LeaseState.PLACED, view.fence
        case WorkloadState.STOPPING | WorkloadState.CANCELLED:
            # Whoever takes the resources away by hand wants the service to end.
            lease.state, lease.cancelled = LeaseState.RELEASED, True
            service.stop()
        case WorkloadState.LOST:
            service.leases.remove(lease)
        case WorkloadState.ENDED:
            service.leases.remove(lease)
            service.fails(view.message or "The scheduler ended its lease.")


def request_leases(service: Service, scheduler: Scheduler, save: Save) -> None:
    """Ask for the leases that were planned. The plan is stored first: a lease's name must never change its load."""
    planned = [lease for lease in service.leases if lease.state is LeaseState.WANTED and not lease.workload_id]
    if not planned:
        return
    for lease in planned:
        lease.asked = True
    save(service)
    for lease in planned:
        view = scheduler.request(_request_for(service, lease))
        lease.workload_id = view.id
        apply_view(service, lease, view)
    save(service)


def _request_for(service: Service, lease: Lease) -> LeaseRequest:
    name = f"{service.id}/{lease.number}"
    return LeaseRequest(name, service.name, f"service/{name}", lease.load, service.owner, service.project)


def report_running(service: Service, scheduler: Scheduler) -> None:
    for lease in service.leases:
        if lease.state is LeaseState.PLACED and not lease.reported:
            lease.reported = scheduler.report_running(lease.workload_id, lease.fence)
            if not lease.reported:
                lease.state = LeaseState.WANTED


def release_leases(service: Service, scheduler: Scheduler) -> None:
    """Give back what is not used any more. Only after Triton runs no more than the other leases cover."""
    for lease in list(service.leases):
        if lease.state is LeaseState.RELEASED:
            if lease.asked and not lease.workload_id:
                lease.workload_id = _asked_before(service, lease, scheduler)
            if lease.workload_id:
                scheduler.release(lease.workload_id, cancelled=lease.cancelled)
            service.leases.remove(lease)


def _asked_before(service: Service, lease: Lease, scheduler: Scheduler) -> str:
    """The workload of a request whose answer was never stored: the same request again gives the same workload."""
    try:
        return scheduler.request(_request_for(service, lease)).id
    except InvalidArgument:
        return ""  # it was refused the first time as well: there is nothing to give back
