"""What an examination finds, and what to do about it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from services.kernel.storage.condition import ServiceCondition, Stuck

UNSENT_SOON = timedelta(seconds=30)
UNSENT_LATE = timedelta(minutes=5)


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """The result of one check. `advice` says what to do unless all is well."""

    check: str
    level: Level
    message: str
    advice: str = ""


def ok(check: str, message: str) -> Finding:
    return Finding(check, Level.OK, message)


def warning(check: str, message: str, advice: str) -> Finding:
    return Finding(check, Level.WARNING, message, advice)


def wrong(check: str, message: str, advice: str) -> Finding:
    return Finding(check, Level.WRONG, message, advice)


def examined(check: str, look: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """The findings of one check; one that cannot be made is a finding too."""
    try:
        return list(look())
    except Exception as error:  # noqa: BLE001  # an examination goes on whatever one check meets
        told = f"it could not be examined: {type(error).__name__}: {str(error)[:300]}"
        return [wrong(check, told, "Look into the log of what the check is about; if all is well there, report this.")]


def of_condition(condition: ServiceCondition) -> Iterable[Finding]:
    """What a service's own account of itself means."""
    name = condition.service
    if condition.error:
        yield wrong(f"{name}: answers", condition.error, f"See whether the process `{name} rpc` runs, and its log.")
        return
    yield _control(condition)
    yield _outbox(condition)
    for stuck in condition.stuck:
        yield _stuck(name, stuck, condition.time)


def _control(condition: ServiceCondition) -> Finding:
    check = f"{condition.service}: control"
    if not condition.control_holder:
        told = "nobody holds the control lease: events are not published and nothing is reconciled"
        return wrong(check, told, f"Start the process `{condition.service} control`, or look into its log.")
    return ok(check, f"held by {condition.control_holder.rpartition(':')[0]}")


def _outbox(condition: ServiceCondition) -> Finding:
    check = f"{condition.service}: events"
    oldest = condition.oldest_unsent_at
    age = condition.time - oldest if oldest else timedelta()
    told = f"{condition.unsent_events} events wait to be published, the oldest for {_told(age)}"
    advice = "See whether RabbitMQ takes messages (alarms, disk) and what the log of the control process says."
    if age > UNSENT_LATE:
        return wrong(check, told, advice)
    if age > UNSENT_SOON:
        return warning(check, told, advice)
    return ok(check, f"{condition.unsent_events} wait to be published")


_ADVICE = {
    "node": "Start its agent again, or leave it: a node that stays away is forgotten in the end.",
    "workload": "See whether the agent of its node runs and what its log says; `modelyard nodes` shows the nodes.",
    "run": "See whether the scheduler and the object store answer, and the log of `trainer control`.",
    "service": "See whether Triton is ready and whether resources are free; the log of `serving control` says more.",
    "job": "See whether the worker of the service runs, and its log.",
}


def _stuck(service: str, stuck: Stuck, now: datetime) -> Finding:
    detail = f" ({stuck.detail})" if stuck.detail else ""
    told = f"{stuck.kind} {stuck.id}{detail} has been {stuck.state} for {_told(now - stuck.since_at)}"
    return warning(f"{service}: {stuck.kind}", told, _ADVICE.get(stuck.kind, f"Look into the log of {service}."))


def _told(age: timedelta) -> str:
    seconds = max(int(age.total_seconds()), 0)
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
