"""The simulated engine: an output that the trainer accepts, durations, the end on request."""

import time
from dataclasses import replace
from pathlib import Path

from services.kernel.storage import bundles
from services.scheduler.agent import files
from services.scheduler.engines.process.engine import ProcessStatus
from services.scheduler.engines.simulated import DURATION, SimulatedEngine
from services.trainer.adapters.outputs import StoredOutputs
from tests.fakes.object_store import FakeStore
from tests.support.polling import eventually
from tests.unit.scheduler.places import a_place, script


def test_its_output_is_one_that_a_task_can_finish_with(tmp_path: Path) -> None:
    engine, place, store = SimulatedEngine(), a_place(tmp_path), FakeStore()
    engine.start(place, script(""))
    assert engine.status(place) is ProcessStatus.ENDED
    found = files.collect(store, place)
    assert found is not None
    ref = bundles.BundleRef(found.index, found.files, found.bytes)
    assert StoredOutputs(store).scores(ref).accuracy == 0
    assert StoredOutputs(store).model(ref).framework == "onnx"


def test_it_takes_the_time_that_the_workload_says(tmp_path: Path) -> None:
    engine, place = SimulatedEngine(), a_place(tmp_path)
    began = time.monotonic()
    engine.start(place, replace(script(""), env={DURATION: "0.2"}))
    assert engine.status(place) is ProcessStatus.RUNNING
    assert engine.started(place)
    end = eventually(lambda: engine.exit(place))
    assert end is not None and end.reason == "completed"
    assert time.monotonic() - began >= 0.2


def test_it_ends_on_request_and_can_begin_again(tmp_path: Path) -> None:
    engine, place = SimulatedEngine(), a_place(tmp_path)
    spec = replace(script(""), env={DURATION: "3600"})
    engine.start(place, spec)
    engine.stop(place, "cancelled", 20)
    end = engine.exit(place)
    assert end is not None and end.reason == "cancelled"
    engine.prepare_restart(place)
    engine.start(place, spec)
    assert engine.status(place) is ProcessStatus.RUNNING
    engine.remove(place)
    assert engine.status(place) is ProcessStatus.NEW
    assert not place.folder.exists()
