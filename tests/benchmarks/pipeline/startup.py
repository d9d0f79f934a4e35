"""Start-up of the whole stack, and the memory of all its processes when it has become quiet."""

import statistics
import time

from tests.benchmarks.pipeline import measure
from tests.benchmarks.pipeline.instance import Bench

_QUIET_S = 5.0


def measure_startup(bench: Bench) -> dict[str, float]:
    """`make up` until everything answers, once from nothing and then with what the first start left.

    `startup_s` is the median of all starts, `rss_mb` the sum of the proportional set sizes of all processes of the
    instance, servers and supervisord included: pages that several processes share count once.
    """
    times, used = [], []
    for at in range(bench.sizes.starts):
        if at:
            bench.command("down")
        times.append(bench.command("up"))
        used.append(measure.cpu_seconds(bench.processes()))
        measure.say(f"start {at + 1}: {times[-1]:.1f} s, of which the processes computed {used[-1]:.1f} s")
    time.sleep(_QUIET_S if bench.sizes.starts > 1 else 0)
    proportional, resident = measure.memory_of(bench.processes())
    return {
        "startup_s": statistics.median(times),
        "rss_mb": proportional,
        "startup_first_s": times[0],
        "startup_cpu_s": statistics.median(used),
        "rss_mb_resident_sum": resident,
    }
