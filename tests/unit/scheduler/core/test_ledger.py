"""What was decided can be decided again, and asked what would have been."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scheduler.core.allocator import Allocator
from services.scheduler.core.ledger import Adopted, Beginning, Changes, Round, Submitted, decide, dump, load, replay
from services.scheduler.core.specs import Job, NodeSpec, QueueSpec, Shape
from services.scheduler.core.whatif import Waits, history, waits, with_more_nodes

NODES = (
    NodeSpec("a", (4000, 8), cards=2, card_memory=16, labels=frozenset({("engine", "process"), ("zone", "1")})),
    NodeSpec("b", (2000, 8), taints=frozenset({"drained"})),
)
QUEUES = (QueueSpec("p", weight=2.0), QueueSpec("q", quota=(3000, 8, 2000, 32), guarantee=(1000, 0, 0, 0)))
SHAPE = Shape((1000, 1), labels=frozenset({("engine", frozenset({"process", "other"}))}))


def job(name: str, queue: str = "p", shape: Shape = SHAPE, submitted: float = 0.0) -> Job:
    return Job(name, queue, shape, submitted=submitted, estimate=60.0)


@st.composite
def histories(draw: st.DrawFn) -> list[Round]:
    """Rounds as production makes them."""
    allocator: Allocator | None = None
    made: list[Round] = []
    running: list[str] = []
    waiting: list[str] = []
    for number in range(draw(st.integers(1, 8))):
        ended = tuple(one for one in running if draw(st.booleans()))
        withdrawn = tuple(one for one in waiting if draw(st.integers(0, 4)) == 0)
        shapes = st.sampled_from([SHAPE, Shape((2000, 3)), Shape((500, 1), cards=1, card_share=500, card_memory=3)])
        submitted = tuple(
            Submitted(job(f"{number}-{at}", draw(st.sampled_from("pq")), draw(shapes), submitted=number + 0.1))
            for at in range(draw(st.integers(0, 4)))
        )
        begun = Beginning(NODES, QUEUES, ((SHAPE, 2.0),)) if number == 0 else None
        changes = Changes(number + 0.25, begun, ended, withdrawn, (), submitted)
        allocator, placed = decide(allocator, changes)
        made.append(Round(changes, placed))
        started = [one.job for one in placed]
        running = [one for one in running if one not in ended] + started
        waiting = [one for one in (*waiting, *(one.job.id for one in submitted)) if one not in {*started, *withdrawn}]
    return made


@settings(deadline=None, max_examples=40)
@given(histories())
def test_a_replay_of_what_was_written_comes_to_the_same(rounds: list[Round]) -> None:
    read = [load(dump(one)) for one in rounds]
    assert read == rounds
    replayed = list(replay(read))
    assert [one.placed for one in replayed] == [one.placed for one in rounds]
    assert all(one.same for one in replayed)


def test_a_decision_that_was_changed_afterwards_is_found() -> None:
    changes = Changes(0.0, Beginning(NODES, QUEUES), submitted=(Submitted(job("one")),))
    _, placed = decide(None, changes)
    forged = Round(changes, (replace(placed[0], workers=(("b", ()),)),))
    (replayed,) = replay([forged])
    assert not replayed.same
    assert replayed.placed == placed


def test_a_replay_begins_where_nodes_are_told() -> None:
    early = Round(Changes(0.0, ended=("unknown",)), ())
    begun = Round(Changes(1.0, Beginning(NODES, QUEUES)), ())
    assert [one.round for one in replay([early, begun])] == [begun]
    with pytest.raises(ValueError, match="nodes and queues"):
        decide(None, early.changes)


@pytest.mark.parametrize("data", [b"", b"{", b'{"changes": {}}', b'{"changes": {"at": 1}, "placed": [{"job": 3}]}'])
def test_what_is_no_round_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="validation"):
        load(data)


def past() -> list[Round]:
    """A node with 8 cores; six jobs of 100 s come at once, each with 2 cores; one ran already."""
    wide = Shape((2000, 1))
    node = NodeSpec("n", (8000, 8))
    queues = (QueueSpec("p"), QueueSpec("q"))
    running = Adopted(job("r", shape=wide), (("n", ()),), 0.0)
    arrived = tuple(Submitted(job(f"{queue}{at}", queue, wide, submitted=100.0)) for at in range(3) for queue in "pq")
    allocator: Allocator | None = None
    made: list[Round] = []
    open_ = ["r"]
    for number in range(6):
        begun = Beginning((node,), queues) if number == 0 else None
        changes = Changes(
            100.0 + 100.0 * number,
            begun,
            ended=tuple(open_) if number else (),
            adopted=(running,) if number == 0 else (),
            submitted=arrived if number == 0 else (),
        )
        allocator, placed = decide(allocator, changes)
        open_ = [*(open_ if number == 0 else []), *(one.job for one in placed)]
        made.append(Round(changes, placed))
    return made


def test_weights_change_who_waits_and_nodes_how_long() -> None:
    found = history(past())
    assert len(found.arrivals) == 7
    as_it_was = waits(found, found.nodes, found.queues)
    assert as_it_was["p"].jobs == 4
    heavy = waits(
        found, found.nodes, [replace(queue, weight=8.0 if queue.name == "q" else 1.0) for queue in found.queues]
    )
    assert heavy["q"].mean_s < as_it_was["q"].mean_s
    assert heavy["p"].mean_s > as_it_was["p"].mean_s
    many = waits(found, with_more_nodes(found.nodes, 3, None), found.queues)
    assert many == {"p": Waits(4, 0.0, 0.0), "q": Waits(3, 0.0, 0.0)}


def test_more_nodes_are_like_the_largest() -> None:
    (_, _, first, second) = with_more_nodes(NODES, 2, 8)
    assert (first.amounts, first.cards, second.name) == ((4000, 8), 8, "a+2")


def test_a_ledger_without_nodes_tells_nothing() -> None:
    with pytest.raises(ValueError, match="longer time"):
        history([Round(Changes(0.0), ())])
