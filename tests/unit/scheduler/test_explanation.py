"""What people read about why their workload waits."""

import pytest

from services.kernel.values import Resources
from services.scheduler.core.specs import Reserved
from services.scheduler.domain import Node, NodeState, Queue
from services.scheduler.explanation import Explanation
from tests.unit.scheduler.test_cluster import GIB, node, now, workload

TWO_CORES = node(resources=Resources(2000, 4 * GIB))


def reason(
    needs: Resources, *nodes: Node, used: Resources | None = None, kept: tuple[Reserved, ...] = (), name: str = "wl"
) -> str:
    taken = [("other", node.id, used) for node in nodes] if used else []
    return Explanation(nodes, [], taken, kept).why(workload(name, needs)).text


@pytest.mark.parametrize(
    ("needs", "used", "expected"),
    [
        (Resources(4000), None, "It needs 4 cores; the largest node has 2 cores."),
        (Resources(0, 8 * GIB), None, "It needs 8.0 GiB of memory; the largest node has 4.0 GiB of memory."),
        (Resources(1000, 1, 1000), None, "It needs 1 GPU card; the largest node has 0 GPU cards."),
        (Resources(1000), Resources(2000, GIB), "It waits for 1 core: 2 cores of 2 cores are in use."),
    ],
)
def test_what_is_missing(needs: Resources, used: Resources | None, expected: str) -> None:
    assert reason(needs, TWO_CORES, used=used) == expected


def test_no_node() -> None:
    expected = "It waits for a node: none of the engine process is there."
    assert reason(Resources(1000)) == expected
    assert reason(Resources(1000), node(state=NodeState.LOST), node(engine="triton")) == expected


def test_quotas() -> None:
    queue = Queue(id="p", quota=Resources(cpu_millis=1500))
    taken = [("p", "node", Resources(1000)), ("other", "node", Resources(500))]
    explanation = Explanation([TWO_CORES], [queue], taken, ())
    told = "It needs 1 core; its project may use 1.5 cores and has 1 core."
    assert explanation.why(workload("a", Resources(1000))).text == told
    told = "It waits for 1 core: 1.5 cores of 2 cores are in use."
    assert explanation.why(workload("b", Resources(1000), "other")).text == told


def test_nodes_that_are_kept() -> None:
    kept = (Reserved("large", now(3 * 3600 + 300), ("node",)),)
    assert reason(Resources(2000), TWO_CORES, used=Resources(1000), kept=kept, name="large") == (
        "It is next: a node is kept for it and expected to be free at 03:05 UTC."
    )
    assert reason(Resources(1000), TWO_CORES, used=Resources(1000), kept=kept) == (
        "There is room, but it is kept for another that has waited longer, until 03:05 UTC."
    )
    assert reason(Resources(2000), TWO_CORES, used=Resources(1000), kept=kept) == (
        "It waits for 2 cores: 1 core of 2 cores are in use."
    )
