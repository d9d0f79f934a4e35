"""The checker of the fault suite can fail: made-up histories with one flaw each."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.faults.checker import Observation, TaskSeen, Verdict, judge
from tests.faults.history import History, ImportPromise, TaskPromise, UploadPromise


def event(event_id: str, kind: str, sequence: int, task: str = "task-1", **snapshot: object) -> bytes:
    document = {
        "id": event_id,
        "source": "modelyard/trainer",
        "type": kind,
        "subject": f"task/{task}",
        "sequence": str(sequence),
        "data": {"task": {"runNumber": 1, **snapshot}},
    }
    return json.dumps(document, separators=(",", ":")).encode()


EVENTS = (event("e1", "task.created", 1), event("e2", "task.started", 2), event("e3", "task.finished", 3))
GOOD = Observation(
    tasks={"task-1": TaskSeen("STATE_FINISHED", 1)},
    outbox=frozenset({"e1", "e2", "e3"}),
    deliveries=EVENTS,
    logged=["e1", "e2", "e3"],
    uploads={"up-1": "aa"},
    imports={"ds-1": 10},
    runs={"run/task-1-1": ["wl-1"]},
)


def history() -> History:
    made = History(
        tasks={"task-1": TaskPromise("task-1")},
        uploads=[UploadPromise("up-1", 2, "aa")],
        imports=[ImportPromise("ds-1", 10)],
    )
    made.answered("right")
    return made


def verdict_on(seen: Observation, change: Callable[[History], None] = lambda _: None) -> Verdict:
    promised = history()
    change(promised)
    return judge(promised, seen)


def test_what_kept_all_promises_is_clean() -> None:
    verdict = verdict_on(GOOD)
    assert verdict.clean
    assert not verdict.details


def test_a_delivery_that_is_repeated_is_no_fault() -> None:
    assert verdict_on(replace(GOOD, deliveries=(*EVENTS[:2], EVENTS[0], EVENTS[1], EVENTS[2], EVENTS[2]))).clean


def test_what_was_said_before_the_subscription_is_not_missed() -> None:
    outbox = GOOD.outbox | {"e0"}
    seen = replace(GOOD, outbox=outbox, logged=sorted(outbox), earlier={"e0": "algorithm/alg-1"})
    assert verdict_on(seen).clean
    assert verdict_on(replace(seen, earlier={})).lost == 1


@pytest.mark.parametrize(
    ("changes", "kind", "told"),
    [
        ({"tasks": {}}, "lost", "task-1 is not there"),
        ({"tasks": {"task-1": TaskSeen("STATE_TRAINING", 1)}}, "lost", "STATE_TRAINING"),
        ({"tasks": {"task-1": TaskSeen("STATE_FAILED", 1, "lost node")}}, "lost", "lost node"),
        ({"tasks": {**GOOD.tasks, "task-2": TaskSeen("STATE_FINISHED", 1)}}, "twice", "never accepted"),
        ({"runs": {"run/task-1-1": ["wl-1", "wl-2"]}}, "twice", "wl-2"),
        ({"deliveries": EVENTS[:2]}, "lost", "no final event"),
        ({"deliveries": EVENTS[:2]}, "lost", "event e3 never reached"),
        ({"deliveries": (EVENTS[1], EVENTS[0], EVENTS[2])}, "disordered", "[2, 1, 3]"),
        ({"deliveries": (*EVENTS, event("e3", "task.failed", 3))}, "twice", "two events with the id e3"),
        ({"deliveries": (*EVENTS, event("e4", "task.failed", 4))}, "twice", "never committed"),
        ({"deliveries": (*EVENTS, event("e4", "task.failed", 4))}, "twice", "ended as"),
        ({"deliveries": (*EVENTS, event("e4", "task.note", 3))}, "twice", "two events with the sequence 3"),
        ({"deliveries": (EVENTS[0], EVENTS[2])}, "lost", "no event with the sequence [2]"),
        ({"logged": ["e1", "e2"]}, "lost", "e3 is not in the event log"),
        ({"logged": ["e1", "e2", "e3", "e1"]}, "twice", "more than once"),
        ({"uploads": {}}, "lost", "up-1 is gone"),
        ({"uploads": {"up-1": "ab"}}, "lost", "up-1 is damaged"),
        ({"imports": {"ds-1": 9}}, "lost", "9 samples instead of 10"),
        ({"imports": {}}, "lost", "None samples"),
        ({"left": ["process 7"]}, "left_over", "process 7"),
    ],
)
def test_a_flaw_is_found(changes: dict[str, object], kind: str, told: str) -> None:
    verdict = verdict_on(replace(GOOD, **changes))  # type: ignore[arg-type]
    assert not verdict.clean
    assert verdict.counts()[kind] > 0
    assert any(line.startswith(f"{kind}:") and told in line for line in verdict.details), str(verdict)


def test_a_wrong_answer_and_a_hanging_request_are_found() -> None:
    def answers(promised: History) -> None:
        promised.answered("wrong", "red for blue")
        promised.answered("hung", "ReadTimeout")
        promised.answered("error", "503")

    verdict = verdict_on(GOOD, answers)
    assert (verdict.wrong, verdict.lost) == (1, 1)


def test_a_task_whose_process_was_killed_on_purpose_may_fail_but_must_end() -> None:
    def struck(promised: History) -> None:
        promised.tasks["task-1"].spared = False

    failed = (*EVENTS[:2], event("e3", "task.failed", 3))
    state = {"task-1": TaskSeen("STATE_FAILED", 1, "signal 9")}
    assert verdict_on(replace(GOOD, tasks=state, deliveries=failed), struck).clean
    assert verdict_on(replace(GOOD, tasks={"task-1": TaskSeen("STATE_WAITING", 1)}), struck).lost == 1
