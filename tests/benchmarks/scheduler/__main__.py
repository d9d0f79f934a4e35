"""What the scheduler's policy is worth, on published traces:
`make bench-scheduler [ARGS="--quick --seeds N --trace FILE --nodes FILE|COUNTxGPUS"]`.

Every policy sees the same list in the same order in one run: how much of the cards is given out at 130 % of arrivals,
how fast it decides, and for lists with times how long jobs take and gangs wait. The last line is one JSON object.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from services.scheduler.core.specs import NodeSpec
from tests.benchmarks.scheduler.decisions import decide
from tests.benchmarks.scheduler.packing import mean, pack
from tests.benchmarks.scheduler.policies import POLICIES
from tests.benchmarks.scheduler.replay import replay
from tests.benchmarks.scheduler.traces import Trace, TraceError, read_nodes, read_trace

DATA = Path(__file__).parent / "data"
DEFAULT_TRACE = DATA / "openb_pod_list_default.csv.gz"
DEFAULT_NODES = DATA / "openb_node_list_gpu_node.csv.gz"
TIMED_NODES = "80x8"
RESERVATIONS = 4
KEYS = (
    "gpu_allocation",
    "cpu_allocation",
    "memory_allocation",
    "fragmentation",
    "decisions_per_s",
    "round_p50_ms",
    "round_p99_ms",
    "event_p99_ms",
    "jct_mean_h",
    "jct_p99_h",
    "gang_wait_max_h",
    "jain",
)


def figures(trace: Trace, nodes: Sequence[NodeSpec], name: str, seeds: int) -> Mapping[str, object]:
    """All that the trace can tell about one policy; what it cannot is None."""
    found: dict[str, object] = dict.fromkeys(KEYS)
    if trace.timed:
        found |= asdict(replay(trace, nodes, POLICIES[name], 0, RESERVATIONS))
    else:
        found |= asdict(mean([pack(trace, nodes, POLICIES[name], seed) for seed in range(seeds)]))
        found |= asdict(decide(trace, nodes, POLICIES[name]))
    return found


def row(name: str, found: Mapping[str, object]) -> str:
    return f"{name:<12}" + "".join(f"{_short(found[key]):>18}" for key in KEYS)


def _short(value: object) -> str:
    return "-" if value is None else f"{value:,.2f}" if isinstance(value, float) else str(value)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench-scheduler ARGS=…", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed")
    parser.add_argument("--seeds", type=int, default=10, help="shuffles of the list (10)")
    parser.add_argument("--trace", type=Path, default=DEFAULT_TRACE, help="jobs, in one of the known formats")
    parser.add_argument("--nodes", help="nodes: a file, or COUNTxCARDS; the trace's own if left out")
    given = parser.parse_args()
    try:
        trace = read_trace(given.trace)
        nodes = read_nodes(given.nodes or (TIMED_NODES if trace.timed else str(DEFAULT_NODES)))
    except TraceError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{trace.name}: {len(trace.jobs)} jobs, {len(nodes)} nodes with {sum(n.cards for n in nodes)} cards")
    print(f"{'policy':<12}" + "".join(f"{key:>18}" for key in KEYS), flush=True)
    results = {}
    for name in POLICIES:
        results[name] = figures(trace, nodes, name, 1 if given.quick else given.seeds)
        print(row(name, results[name]), flush=True)
    print(json.dumps({"trace": trace.name, "policies": results}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
