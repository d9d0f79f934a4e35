"""Judges what was observed from the outside against what was promised. Pure, so that it can be shown to fail."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.faults.history import History

FINAL = {"task.finished", "task.failed", "task.stopped"}
ENDS = {"STATE_FINISHED", "STATE_PUBLISHED"}
FAILURES = {"STATE_FAILED", "STATE_STOPPED"}
SHOWN = 60


@dataclass(frozen=True)
class TaskSeen:
    """A task as the API shows it at the end."""

    state: str
    run_number: int
    error: str = ""


@dataclass
class Observation:
    """What was found at the end.

    `outbox` are the ids of all events that were committed, `earlier` those from before the subscription, with their
    subjects; `deliveries` the messages of the subscriber in order;
    `logged` the ids in the platform's own event log; `uploads` the SHA-256 of what is stored; `imports` the samples of
    each data set, `runs` the workloads of each run; `left` what should not be there any more, in words.
    """

    tasks: Mapping[str, TaskSeen] = field(default_factory=dict)
    outbox: frozenset[str] = frozenset()
    earlier: Mapping[str, str] = field(default_factory=dict)
    deliveries: Sequence[bytes] = ()
    logged: Sequence[str] = ()
    uploads: Mapping[str, str] = field(default_factory=dict)
    imports: Mapping[str, int] = field(default_factory=dict)
    runs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    left: Sequence[str] = ()


@dataclass
class Verdict:
    """Counts that all have to be 0, and a line for each."""

    lost: int = 0
    twice: int = 0
    disordered: int = 0
    wrong: int = 0
    left_over: int = 0
    details: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not (self.lost or self.twice or self.disordered or self.wrong or self.left_over)

    def add(self, kind: str, told: str) -> None:
        setattr(self, kind, getattr(self, kind) + 1)
        self.details.append(f"{kind}: {told}")

    def counts(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in ("lost", "twice", "disordered", "wrong", "left_over")}

    def __str__(self) -> str:
        more = len(self.details) - SHOWN
        lines = [", ".join(f"{count} {name}" for name, count in self.counts().items()), *self.details[:SHOWN]]
        return "\n  ".join(lines + ([f"and {more} more"] if more > 0 else []))


def judge(history: History, seen: Observation) -> Verdict:
    """The verdict on one run."""
    verdict = Verdict()
    events = _judge_events(verdict, seen)
    _judge_tasks(verdict, history, seen, events)
    _judge_content(verdict, history, seen)
    for told in history.answers.wrong:
        verdict.add("wrong", told)
    if history.answers.hung:
        verdict.add("lost", f"{history.answers.hung} inference requests hung")
    for told in seen.left:
        verdict.add("left_over", told)
    return verdict


@dataclass(frozen=True)
class _Event:
    id: str
    type: str
    subject: str
    sequence: int
    run_number: int


def _judge_events(verdict: Verdict, seen: Observation) -> list[_Event]:
    """Each event at least once, the same whenever it comes, in order for each aggregate. The first of each id."""
    bodies: dict[str, object] = {}
    first: list[_Event] = []
    for body in seen.deliveries:
        document = json.loads(body)
        event_id = document["id"]
        if event_id not in bodies:
            bodies[event_id] = document
            snapshot: object = next(iter(document["data"].values()), {})
            run = int(snapshot.get("runNumber", 0)) if isinstance(snapshot, dict) else 0
            subject = f"{document['source']} {document['subject']}"
            first.append(_Event(event_id, document["type"], subject, int(document["sequence"]), run))
        elif bodies[event_id] != document:
            verdict.add("twice", f"two events with the id {event_id}")
    begun = set(seen.earlier.values())
    _judge_order(verdict, [event for event in first if event.subject.rpartition(" ")[2] not in begun])
    for event_id in sorted(seen.outbox - bodies.keys() - seen.earlier.keys()):
        verdict.add("lost", f"event {event_id} never reached the subscriber")
    for event_id in sorted(bodies.keys() - seen.outbox):
        verdict.add("twice", f"event {event_id} was published but never committed")
    for event_id in sorted(seen.outbox - set(seen.logged)):
        verdict.add("lost", f"event {event_id} is not in the event log")
    for event_id in _repeated(seen.logged):
        verdict.add("twice", f"event {event_id} stands in the event log more than once")
    return first


def _judge_order(verdict: Verdict, events: Iterable[_Event]) -> None:
    sequences: dict[str, list[int]] = defaultdict(list)
    for event in events:
        sequences[event.subject].append(event.sequence)
    for subject, found in sequences.items():
        if found != sorted(found):
            verdict.add("disordered", f"{subject}: {found}")
        missing = sorted(set(range(1, max(found) + 1)) - set(found))
        if missing:
            verdict.add("lost", f"{subject}: no event with the sequence {missing}")
        for sequence in _repeated(found):
            verdict.add("twice", f"{subject}: two events with the sequence {sequence}")


def _judge_tasks(verdict: Verdict, history: History, seen: Observation, events: Iterable[_Event]) -> None:
    """Each accepted task is in a final state, its run has one final event and one workload."""
    ends: dict[tuple[str, int], list[str]] = defaultdict(list)
    for event in events:
        if event.type in FINAL:
            ends[event.subject.rpartition("/")[2], event.run_number].append(event.type)
    for task_id, promise in history.tasks.items():
        task = seen.tasks.get(task_id)
        if task is None:
            verdict.add("lost", f"{task_id} is not there")
        elif task.state not in ENDS and (promise.spared or task.state not in FAILURES):
            verdict.add("lost", f"{task_id} is {task.state}: {task.error}")
        final = ends.get((task_id, task.run_number if task else 1), [])
        if not final:
            verdict.add("lost", f"{task_id} has no final event")
        elif len(final) > 1:
            verdict.add("twice", f"{task_id} ended as {final}")
    for run, workloads in seen.runs.items():
        if len(workloads) > 1:
            verdict.add("twice", f"{run} has the workloads {list(workloads)}")
    for task_id in sorted(seen.tasks.keys() - history.tasks.keys()):
        verdict.add("twice", f"{task_id} was made but never accepted")


def _judge_content(verdict: Verdict, history: History, seen: Observation) -> None:
    for upload in history.uploads:
        if seen.uploads.get(upload.id) != upload.sha256:
            verdict.add("lost", f"{upload.id} is {'damaged' if seen.uploads.get(upload.id) else 'gone'}")
    for promise in history.imports:
        samples = seen.imports.get(promise.dataset_id)
        if samples != promise.samples:
            verdict.add("lost", f"{promise.dataset_id} has {samples} samples instead of {promise.samples}")


def _repeated(values: Iterable[object]) -> list[object]:
    known: set[object] = set()
    return [value for value in values if value in known or known.add(value)]  # type: ignore[func-returns-value]
