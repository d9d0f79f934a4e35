"""Places and specs for tests that run real processes."""

import textwrap
from pathlib import Path

from services.kernel.errors import Unavailable
from services.kernel.values import Resources
from services.scheduler.domain import WorkloadInput, WorkloadKind, WorkloadSpec
from services.scheduler.engines.process import sandbox
from services.scheduler.engines.process.engine import Place, ProcessEngine
from services.scheduler.engines.process.shim.files import Exit
from tests.support.polling import eventually


def sandbox_works() -> bool:
    try:
        return sandbox.available()
    except Unavailable:
        return False


def a_place(root: Path, workload: str = "wl-1", fence: int = 1) -> Place:
    place = Place(root / "work" / workload / str(fence), root / "checkpoints" / workload)
    place.work.mkdir(parents=True)
    return place


def script(
    source: str,
    *,
    memory_bytes: int = 0,
    time_limit_s: int = 0,
    grace_s: int = 0,
    log_limit_bytes: int = 0,
    output_limit_bytes: int = 0,
    network: bool = False,
) -> WorkloadSpec:
    """A workload that runs the Python `source`."""
    return WorkloadSpec(
        name="test",
        kind=WorkloadKind.TRAINING,
        engine="process",
        resources=Resources(cpu_millis=1000, memory_bytes=memory_bytes),
        command=("python", "-c", textwrap.dedent(source)),
        time_limit_s=time_limit_s,
        grace_s=grace_s,
        log_limit_bytes=log_limit_bytes,
        output_limit_bytes=output_limit_bytes,
        network=network,
    )


def with_inputs(spec: WorkloadSpec, *inputs: WorkloadInput) -> WorkloadSpec:
    from dataclasses import replace

    return replace(spec, inputs=inputs)


def end_of(engine: ProcessEngine, place: Place, timeout: float = 20) -> Exit:
    """Wait for the recorded end."""
    found = eventually(lambda: engine.exit(place), timeout)
    assert found is not None
    return found
