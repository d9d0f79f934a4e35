"""The agent with real processes, a scheduler and an object store in memory."""

import errno
import json
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.kernel.errors import Unavailable
from services.kernel.storage import bundles
from services.kernel.storage.blobs import put_blob
from services.kernel.values import BundleRef, Resources
from services.scheduler.agent import files as agent_files
from services.scheduler.agent.agent import Agent, NodeDescription
from services.scheduler.agent.home import AgentHome
from services.scheduler.agent.runner import MAX_STARTS, Surroundings
from services.scheduler.domain import Assignment, ExitReason, WorkloadExit, WorkloadInput, WorkloadSpec
from services.scheduler.engines.process.engine import Place, ProcessEngine, ProcessStatus
from services.scheduler.engines.process.shim import files, tree
from tests.fakes.object_store import FakeStore
from tests.fakes.scheduler import FakeScheduler
from tests.support.polling import eventually
from tests.unit.scheduler.places import script

STEADY = """
    import os, time
    print("started", flush=True)
    while not os.path.exists(os.environ["MODELYARD_CHECKPOINT"] + "/finish"): time.sleep(0.02)
"""
RESUMING = """
    import os, signal, sys, time
    saved = os.environ["MODELYARD_CHECKPOINT"] + "/saved"
    if os.path.exists(saved):
        print("resumed", flush=True)
        sys.exit(0)
    def save(*_):
        open(saved, "w").close()
        sys.exit(143)
    signal.signal(signal.SIGTERM, save)
    print("started", flush=True)
    while True: time.sleep(0.05)
"""


class Machine:
    """A node whose agent can be stopped and started."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.scheduler = FakeScheduler()
        self.store = FakeStore()
        self.engine = ProcessEngine()
        self._running: tuple[Agent, threading.Thread] | None = None
        self.home: AgentHome | None = None

    def up(self, *, keep: bool = False) -> None:
        self.home = AgentHome(self.root)
        around = Surroundings(self.home, self.engine, self.scheduler, self.store, threading.Event(), keep)
        agent = Agent(NodeDescription("here", Resources(2000, 4 << 30)), around)
        thread = threading.Thread(target=agent.run, daemon=True)
        thread.start()
        self._running = (agent, thread)

    def down(self) -> None:
        if self._running is not None:
            agent, thread = self._running
            agent.stop()
            thread.join(20)
            assert not thread.is_alive()
            self._running = None

    def place(self, workload: str = "wl-1", fence: int = 1) -> Place:
        return Place(self.root / "work" / workload / str(fence), self.root / "checkpoints" / workload)

    def log(self, workload: str = "wl-1") -> str:
        return self.scheduler.logs.get(workload, b"").decode()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path / "agent")
    made.up()
    yield made
    made.down()
    for folder in (tmp_path / "agent" / "work").glob("*/*"):
        made.engine.remove(Place(folder, tmp_path / "none"))


def assignment(spec: WorkloadSpec, workload: str = "wl-1", fence: int = 1) -> Assignment:
    return Assignment(workload, fence, attempt=1, spec=spec)


def end_of(machine: Machine, workload: str = "wl-1") -> ExitReason:
    eventually(lambda: workload in machine.scheduler.exits, 20)
    return machine.scheduler.exits[workload].reason


def test_from_inputs_to_outputs(machine: Machine) -> None:
    dataset = bundles.write_bundle(machine.store, [("data/a.txt", b"one", None)])
    manifest = put_blob(machine.store, b'{"samples": 1}')
    source = """
        import json, os
        root = os.environ["MODELYARD_DATASET"]
        assert json.load(open(root + "/manifest.json")) == {"samples": 1}
        assert open(root + "/data/a.txt").read() == "one"
        params = json.load(open(os.environ["MODELYARD_PARAMS"]))
        with open(os.environ["MODELYARD_METRICS"], "a") as metrics:
            def line(**content): metrics.write(json.dumps(content) + "\\n")
            line(event="step", name="training", state="started", time=1764000000.0)
            for step in range(params["epochs"]): line(step=step, name="loss", value=1 / (step + 1), time=1764000000.5)
            line(step=0, name="progress", value=0.5, time=1764000001.0)
            metrics.write("not json\\n")
            line(event="step", name="training", state="finished", time=1764000002.0)
        os.mkdir(os.environ["MODELYARD_OUTPUT"] + "/model")
        open(os.environ["MODELYARD_OUTPUT"] + "/model/weights", "w").write("w")
        os.symlink("/etc/passwd", os.environ["MODELYARD_OUTPUT"] + "/link")
    """
    inputs = (
        WorkloadInput("params.json", text='{"epochs": 3}'),
        WorkloadInput("dataset/manifest.json", blob=manifest.sha256),
        WorkloadInput("dataset", bundle=BundleRef(dataset.index, dataset.files, dataset.bytes)),
    )
    machine.scheduler.assign(assignment(replace(script(source), inputs=inputs)))
    assert end_of(machine) is ExitReason.COMPLETED, machine.log()
    assert [(point.index, point.step) for point in machine.scheduler.points["wl-1"]] == [(1, 0), (2, 1), (3, 2)]
    state = machine.scheduler.states["wl-1"]
    assert state.progress == 0.5
    assert [(step.name, step.state) for step in state.steps] == [("training", "finished")]
    outputs = machine.scheduler.exits["wl-1"].outputs
    assert outputs is not None
    ref = bundles.BundleRef(outputs.index, outputs.files, outputs.bytes)
    assert [entry.path for entry in bundles.iter_index(machine.store, ref)] == ["model/weights"]
    eventually(lambda: not machine.place().folder.exists(), 5)


def test_missing_input_is_not_started(machine: Machine) -> None:
    spec = replace(script("print(1)"), inputs=(WorkloadInput("dataset", blob="0" * 64),))
    machine.scheduler.assign(assignment(spec))
    assert end_of(machine) is ExitReason.NOT_STARTED
    assert "inputs" in machine.scheduler.exits["wl-1"].message


def test_cancelled_while_it_runs(machine: Machine) -> None:
    given = assignment(script(STEADY))
    machine.scheduler.assign(given)
    eventually(lambda: "started" in machine.log(), 10)
    machine.scheduler.assign(replace(given, stop=True))
    assert end_of(machine) is ExitReason.CANCELLED


def test_log_grows_while_it_runs_and_while_the_scheduler_was_away(machine: Machine) -> None:
    machine.scheduler.assign(assignment(script(STEADY)))
    eventually(lambda: machine.log() == "started\n", 10)
    machine.scheduler.away = True
    (machine.place().checkpoint / "finish").touch()
    eventually(lambda: machine.engine.status(machine.place()) is ProcessStatus.ENDED, 10)
    assert not machine.scheduler.exits
    machine.scheduler.away = False
    assert end_of(machine) is ExitReason.COMPLETED
    assert machine.log() == "started\n"


def test_a_lease_that_passed_on_ends_the_process_and_its_folder(machine: Machine) -> None:
    machine.scheduler.assign(assignment(script(STEADY), fence=1))
    eventually(lambda: "started" in machine.log(), 10)
    machine.scheduler.assign(assignment(script(STEADY), fence=2))
    eventually(lambda: machine.engine.status(machine.place(fence=2)) is ProcessStatus.RUNNING, 10)
    assert tree.marked(machine.place(fence=1).marker) == []
    eventually(lambda: not machine.place(fence=1).folder.exists(), 5)
    assert not machine.scheduler.exit_reports


def test_a_refused_report_ends_the_process(machine: Machine) -> None:
    """The list of assignments may be old: the refusal alone must be enough."""
    spec = script(STEADY)
    machine.scheduler.assign(assignment(spec))
    eventually(lambda: "started" in machine.log(), 10)
    machine.scheduler.pushing = False
    machine.scheduler.assign(assignment(spec, fence=7))
    place = machine.place()
    (place.work / "metrics.jsonl").write_text(json.dumps({"step": 1, "name": "loss", "value": 1.0}) + "\n")
    eventually(lambda: not place.folder.exists(), 10)
    assert tree.marked(place.marker) == []


def test_a_process_that_was_kept_is_adopted_again(machine: Machine) -> None:
    machine.down()
    machine.up(keep=True)
    machine.scheduler.assign(assignment(script(STEADY)))
    eventually(lambda: "started" in machine.log(), 10)
    before = files.read_state(machine.place().folder)
    machine.down()
    assert machine.engine.status(machine.place()) is ProcessStatus.RUNNING
    machine.up()
    eventually(lambda: machine.scheduler.states.get("wl-1"), 10)
    assert files.read_state(machine.place().folder) == before
    (machine.place().checkpoint / "finish").touch()
    assert end_of(machine) is ExitReason.COMPLETED
    assert machine.log() == "started\n"


def test_what_ended_while_no_agent_was_there_is_reported(machine: Machine) -> None:
    machine.down()
    machine.up(keep=True)
    machine.scheduler.assign(assignment(script(STEADY)))
    eventually(lambda: "started" in machine.log(), 10)
    machine.down()
    (machine.place().checkpoint / "finish").touch()
    eventually(lambda: machine.engine.status(machine.place()) is ProcessStatus.ENDED, 10)
    machine.up()
    assert end_of(machine) is ExitReason.COMPLETED
    assert len(machine.scheduler.exit_reports) == 1


def test_interrupted_by_the_stop_of_the_agent_it_resumes_and_finishes_once(machine: Machine) -> None:
    machine.scheduler.assign(assignment(script(RESUMING)))
    eventually(lambda: "started" in machine.log(), 10)
    machine.down()
    assert tree.marked(machine.place().marker) == []
    assert not machine.scheduler.exit_reports
    machine.up()
    assert end_of(machine) is ExitReason.COMPLETED
    assert machine.log() == "started\nresumed\n"
    assert len(machine.scheduler.exit_reports) == 1


def test_a_stop_while_the_scheduler_is_away_interrupts_too(machine: Machine) -> None:
    machine.scheduler.assign(assignment(script(RESUMING)))
    eventually(lambda: "started" in machine.log(), 10)
    machine.scheduler.away = True
    machine.down()
    assert tree.marked(machine.place().marker) == []
    machine.scheduler.away = False
    machine.up()
    assert end_of(machine) is ExitReason.COMPLETED
    assert machine.log() == "started\nresumed\n"


def test_cancelled_after_an_interruption_it_does_not_start_again(machine: Machine) -> None:
    given = assignment(script(RESUMING))
    machine.scheduler.assign(given)
    eventually(lambda: "started" in machine.log(), 10)
    machine.down()
    machine.scheduler.assign(replace(given, stop=True))
    machine.up()
    assert end_of(machine) is ExitReason.CANCELLED
    assert machine.log() == "started\n"


def test_a_process_that_vanishes_starts_again_three_times_at_most(machine: Machine) -> None:
    source = "import time; print('up', flush=True); time.sleep(60)"
    machine.scheduler.assign(assignment(script(source)))
    for start in range(1, 4):
        expected = "up\n" * start
        eventually(lambda: machine.log() == expected, 15)  # noqa: B023  # called before the loop goes on
        state = files.read_state(machine.place().folder)
        assert state is not None
        tree.send([state.shim_pid], signal.SIGKILL)
    assert end_of(machine) is ExitReason.LOST


def test_folders_that_nobody_assigned_are_removed(machine: Machine) -> None:
    machine.down()
    left = machine.place("wl-old", 3)
    left.work.mkdir(parents=True)
    ProcessEngine().start(left, script(STEADY))
    machine.up()
    eventually(lambda: not left.folder.exists(), 10)
    assert tree.marked(left.marker) == []


def test_two_agents_cannot_have_one_home(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.scheduler.agent.home._LOCK_WAIT_S", 0.1)
    with pytest.raises(RuntimeError, match="another agent"):
        AgentHome(machine.root)


def test_launches_that_the_machine_refuses_do_not_count(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    start = machine.engine.start
    refused: list[Place] = []

    def refusing(place: Place, spec: WorkloadSpec) -> None:
        if len(refused) < MAX_STARTS + 1:
            refused.append(place)
            raise Unavailable("not now")
        start(place, spec)

    monkeypatch.setattr(machine.engine, "start", refusing)
    machine.scheduler.assign(assignment(script("print('fine')")))
    assert end_of(machine) is ExitReason.COMPLETED
    assert len(refused) == MAX_STARTS + 1


def test_nothing_is_started_once_the_agent_stops(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    staging, stopping = threading.Event(), threading.Event()

    def slow(*_: object) -> None:
        staging.set()
        stopping.wait(10)

    monkeypatch.setattr(agent_files, "stage", slow)
    machine.scheduler.assign(assignment(script(STEADY)))
    assert staging.wait(10)
    threading.Timer(0.3, stopping.set).start()
    machine.down()
    assert machine.engine.status(machine.place()) is ProcessStatus.NEW


def test_a_full_disk_is_waited_for_but_not_for_ever(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    stage, full = agent_files.stage, list[Place]()

    def filling(store: FakeStore, place: Place, spec: WorkloadSpec) -> None:
        if len(full) < 2:
            full.append(place)
            raise OSError(errno.ENOSPC, "No space left on device")
        stage(store, place, spec)

    monkeypatch.setattr(agent_files, "stage", filling)
    machine.scheduler.assign(assignment(script("print('fine')")))
    assert end_of(machine) is ExitReason.COMPLETED
    assert len(full) == 2


def test_what_does_not_fit_for_long_is_not_started(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(agent_files, "stage", full)
    monkeypatch.setattr("services.scheduler.agent.runner.FULL_PATIENCE_S", 0.1)
    machine.scheduler.assign(assignment(script("print('fine')")))
    assert end_of(machine) is ExitReason.NOT_STARTED


def test_the_checkpoint_goes_before_the_folder_that_tells_of_it(machine: Machine) -> None:
    """An agent killed in between finds folders at its next start; a checkpoint alone nobody would find."""
    seen: list[bool] = []
    remove = machine.engine.remove

    def observed(place: Place) -> None:
        seen.append(place.checkpoint.exists())
        remove(place)

    machine.engine.remove = observed  # type: ignore[method-assign]
    machine.scheduler.assign(assignment(script("open('/dev/null')")))
    assert end_of(machine) is ExitReason.COMPLETED
    eventually(lambda: seen, 10)
    assert seen == [False]
    assert not machine.place().checkpoint.exists()


def test_checkpoints_are_kept_until_their_workload_has_ended(machine: Machine) -> None:
    """However it ended: on another node, while it waited, or while no agent was there."""
    waiting, ended = machine.place("wl-8").checkpoint, machine.place("wl-9").checkpoint
    for folder in (waiting, ended):
        folder.mkdir()
        (folder / "state").write_text("half")
    machine.scheduler.exits["wl-9"] = WorkloadExit(ExitReason.LOST, "Its node went away.")
    eventually(lambda: not ended.exists(), 10)
    assert (waiting / "state").read_text() == "half"
