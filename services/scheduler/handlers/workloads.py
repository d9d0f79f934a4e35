"""Submit, cancel and report workloads."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from services.kernel.context import current_traceparent
from services.kernel.errors import InvalidArgument
from services.kernel.ids import new_id
from services.scheduler.domain import (
    PROCESS,
    ExitReason,
    Report,
    Workload,
    WorkloadExit,
    WorkloadSpec,
    WorkloadState,
)
from services.scheduler.ports import Workloads

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OWN_NAMES = {"output", "metrics.jsonl"}


@dataclass(frozen=True)
class Submit:
    """`request_id` names the workload for ever; it runs on the account of `owner` in `project`."""

    spec: WorkloadSpec
    request_id: str
    owner: str
    project: str


def submit(workloads: Workloads, command: Submit) -> Workload:
    """The workload of this request id, made now if it is not there."""
    known = workloads.find_one(request_id=command.request_id)
    if known is not None:
        return known
    check(command.spec)
    workload = Workload(
        id=new_id("wl"),
        owner=command.owner,
        project=command.project,
        spec=command.spec,
        request_id=command.request_id,
        traceparent=current_traceparent(),
    )
    workload.submitted()
    workloads.add(workload)
    return workload


def check(spec: WorkloadSpec) -> None:
    """Refuse what the proto's constraints cannot express: InvalidArgument."""
    if spec.engine == PROCESS and not (spec.command and spec.command[0]):
        raise InvalidArgument.field("spec.command", "a program is needed for the engine process")
    if spec.total.fits_into(type(spec.resources)()):
        raise InvalidArgument.field("spec.resources", "something must be asked for, at least cpu_millis")
    if expected := spec.total.expected():
        raise InvalidArgument.field("spec.resources", expected)
    for name, value in spec.env.items():
        if not _VARIABLE.fullmatch(name) or "\0" in value:
            raise InvalidArgument.field("spec.env", f"{name!r} is not a variable: letters, digits and _ are expected")
    if any("\0" in argument for argument in spec.command):
        raise InvalidArgument.field("spec.command", "an argument holds a zero byte")
    taken: set[tuple[str, ...]] = set()
    for item in spec.inputs:
        parts = tuple(item.path.split("/"))
        if any(part in ("", ".", "..") for part in parts) or parts[0] in _OWN_NAMES:
            raise InvalidArgument.field("spec.inputs.path", f"{item.path!r} cannot be laid into the work folder")
        if parts in taken:
            raise InvalidArgument.field("spec.inputs.path", f"{item.path!r} is there twice")
        if sum(source is not None for source in (item.bundle, item.blob, item.text)) != 1:
            raise InvalidArgument.field("spec.inputs", f"{item.path!r} needs one of bundle, blob and text")
        taken.add(parts)


def cancel(workloads: Workloads, workload_id: str) -> Workload:
    """Ask for the end; a workload that has ended stays as it is."""
    workload = workloads.get(workload_id)
    before = workload.state
    workload.cancel()
    if workload.state is not before:
        workloads.save(workload)
    return workload


def ended(workloads: Workloads, workload_ids: Iterable[str]) -> list[str]:
    """Those of them that have ended or are not known any more."""
    asked = list(workload_ids)
    open_ = workloads.versions({"id": {"$in": asked}, "state": {"$ne": WorkloadState.EXITED}})
    return [workload_id for workload_id in asked if workload_id not in open_]


def report(workloads: Workloads, told: Report) -> Workload:
    """Take over what the holder of a lease says. Repeating a report changes nothing; Conflict (FENCED) for others.

    `node_id` is empty when the workload's owner drives the engine and reports itself.
    """
    workload = workloads.get(told.workload_id)
    if workload.ended and told.exit is not None and told.fence == workload.fence:
        return workload
    workload.held_under(told.fence, told.node_id or None)
    before = workload.state
    advanced = workload.advance(told.progress, told.steps)
    if told.exit is None or told.exit.reason is not ExitReason.NOT_STARTED:
        workload.start()
    if told.exit is not None:
        workload.finish(_as_asked(workload, told.exit))
    if advanced or workload.state is not before:
        workloads.save(workload)
    return workload


def _as_asked(workload: Workload, how: WorkloadExit) -> WorkloadExit:
    """Who was asked to stop before anything started was cancelled, whatever the preparation met."""
    if workload.state is WorkloadState.STOPPING and how.reason is ExitReason.NOT_STARTED:
        return WorkloadExit(ExitReason.CANCELLED, "It was cancelled before it started.")
    return how
