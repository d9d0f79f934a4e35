"""What the pipeline costs, measured on a platform of its own: `make bench-pipeline [ARGS="--quick --only NAME,…"]`.

Parts: startup, submit, processes, simulated, events, upload, import, training, triton, fastapi. Ratios are taken within
one run, both sides in turn, as medians. The last line is one JSON object; what was not measured is null. Units are in
the names (s, ms, mb = 10⁶ bytes, per_s); `x_vs_y` is how many times as fast (upload, predict: more is better) or as
long (import, training: less is better). Every part says in its module what exactly it measures.
"""

import argparse
import json
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields, replace

from tests.benchmarks.pipeline import events, prediction, startup, tasks, training, transfer
from tests.benchmarks.pipeline.instance import Bench, bench
from tests.benchmarks.pipeline.measure import QUICK, Sizes, say

PARTS: Mapping[str, Callable[[Bench], dict[str, float]]] = {
    "startup": startup.measure_startup,
    "submit": tasks.measure_submit_started,
    "processes": tasks.measure_processes,
    "simulated": tasks.measure_simulated,
    "events": events.measure_events,
    "upload": transfer.measure_upload,
    "import": transfer.measure_import,
    "training": training.measure_training,
    "triton": prediction.measure_against_triton,
    "fastapi": prediction.measure_against_fastapi,
}
KEYS = (
    "startup_s",
    "rss_mb",
    "submit_started_p50_s",
    "submit_started_p99_s",
    "tasks_per_s",
    "tasks_per_s_sim",
    "event_p50_ms",
    "event_p99_ms",
    "events_per_s",
    "upload_vs_store",
    "import_vs_unzip",
    "training_vs_bare",
    *(f"predict_vs_triton_{clients}" for clients in prediction.CLIENTS),
    *(f"predict_vs_fastapi_{clients}" for clients in prediction.CLIENTS),
)


def arguments() -> tuple[list[str], Sizes]:
    """Names of the parts to run, and how large they are."""
    parser = argparse.ArgumentParser(
        prog="make bench-pipeline", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a smoke run of small sizes; its figures mean little")
    parser.add_argument("--only", default="", metavar="NAME,…", help="only these parts")
    for field in fields(Sizes):
        kind = float if field.name == "seconds" else int
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=kind, metavar="N")
    given = vars(parser.parse_args())
    chosen = [name.strip() for name in given["only"].split(",") if name.strip()] or list(PARTS)
    if unknown := sorted(set(chosen) - set(PARTS)):
        parser.error(f"--only: {', '.join(unknown)} is unknown; there are {', '.join(PARTS)}")
    sizes = QUICK if given["quick"] else Sizes()
    return chosen, replace(sizes, **{f.name: given[f.name] for f in fields(Sizes) if given[f.name] is not None})


def main() -> int:
    chosen, sizes = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the instance is taken down on the way out
    results: dict[str, float | None] = dict.fromkeys(KEYS)
    with bench(sizes) as running:
        if "startup" not in chosen:
            running.command("up")
        for name, part in PARTS.items():
            if name in chosen:
                say(f"{name} …")
                found = {key: float(f"{value:.4g}") for key, value in part(running).items()}
                say(f"{name}: {json.dumps(found)}")
                results |= found
    sys.stdout.write(json.dumps(results) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
