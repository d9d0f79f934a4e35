"""Keeps work in every phase through the public API, and brings one into each phase before every fault."""

import json
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from services.gateway.client import ApiError, Client
from services.gateway.client.api import JsonObject
from tests.faults import training
from tests.faults.background import Import, Uploads, archive_of
from tests.faults.history import History, TaskPromise
from tests.faults.load import ServiceLoad
from tests.faults.phases import Phases, Places, look
from tests.support import jobs
from tests.support.polling import eventually

SLOTS = 6
NODE_MILLIS = 1000 * SLOTS
TASK_MILLIS = 1000
WHALE_MILLIS = NODE_MILLIS - TASK_MILLIS + 1
TASK_BYTES = 128 * 2**20
HEAVY_SAMPLES = 800
IMPORT_SAMPLES = 3000
POINTS = 6_000
FILES = 200
PREPARE_S = 240.0
LIVE_S = 2.0
PROPERTIES: JsonObject = {
    "hold": {"type": "boolean", "default": False},
    "points": {"type": "integer", "default": 5, "minimum": 0},
    "files": {"type": "integer", "default": 0, "minimum": 0},
    "prefix": {"type": "string", "default": "a"},
}


@dataclass
class Driver:
    """All calls go through `client`; what was promised is written into `history`."""

    client: Client
    folder: Path
    places: Places
    history: History = field(default_factory=History)
    loads: list[ServiceLoad] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    steady: str = ""
    leaving: list[str] = field(default_factory=list)
    importing: Import | None = None

    # Setting up

    def set_up(self, prefixes: tuple[str, ...] = ("a", "b")) -> None:
        """Data sets, the algorithm, a published model for each prefix, and uploads in flight."""
        script = Path(training.__file__).read_text()
        self.algorithm = jobs.create_algorithm(self.client, self.folder, script, seconds=0, properties=PROPERTIES)
        self.light = jobs.online_dataset(self.client, self.folder, jobs.two_shades(10))
        self.heavy = self._import_heavy()
        self.archive = archive_of(IMPORT_SAMPLES)
        tasks = {prefix: self.submit(prefix=prefix) for prefix in prefixes}
        for prefix, task_id in tasks.items():
            task = jobs.ended_task(self.client, task_id)
            assert task["state"] == "STATE_FINISHED", task["error"]
            published = self.client.post(f"/api/v1/tasks/{task_id}:publish", {"model_name": f"colours-{prefix}"})
            self.versions[prefix] = str(published["id"])
        self.uploads = Uploads(self.client, self.history, seed=1)
        self.uploads.start()

    def _import_heavy(self) -> str:
        dataset_id = jobs.create_dataset(self.client)
        upload_id = jobs.upload(self.client, self.folder, archive_of(HEAVY_SAMPLES), "heavy.zip")
        dataset = jobs.import_archive(self.client, dataset_id, upload_id)
        assert dataset["state"] == "STATE_IMPORTED", dataset["problems"]
        self.client.post(f"/api/v1/datasets/{dataset_id}:online")
        return dataset_id

    # Tasks

    def submit(
        self, *, cpu_millis: int = TASK_MILLIS, heavy: bool = False, seconds: int = 0, **parameters: object
    ) -> str:
        """A started task; it counts as accepted from here on."""
        task_id = jobs.start_task(
            self.client,
            self.heavy if heavy else self.light,
            self.algorithm,
            parameters=json.dumps({"seconds": seconds, **parameters}),
            resources={"cpu_millis": cpu_millis, "memory_bytes": TASK_BYTES},
        )
        self.history.tasks[task_id] = TaskPromise(task_id)
        return task_id

    def workload_of(self, task_id: str) -> str:
        return str(self.client.get(f"/api/v1/tasks/{task_id}").get("workload_id", ""))

    def release(self, task_id: str, workload_id: str) -> None:
        """Let a held run end. Without effect while it has no folder: whoever waits for its end asks again."""
        if task_id not in self.leaving:
            self.leaving.append(task_id)
        place = self.places.of(workload_id)
        if place is not None and (place / "run").is_dir():
            with suppress(OSError):
                (place / "run" / training.RELEASE).touch()

    def release_again(self) -> None:
        """A run that was let go and then lost its node begins anew in another folder, and is held there."""
        self.leaving = [task_id for task_id in self.leaving if self._is_open(task_id)]
        for task_id in list(self.leaving):
            self.release(task_id, self.workload_of(task_id))

    def _is_open(self, task_id: str) -> bool:
        return self.client.get(f"/api/v1/tasks/{task_id}")["state"] in ("STATE_WAITING", "STATE_TRAINING")

    def retire_steady(self) -> None:
        """The steady task lost its process; it is let go with the others, for a run is started three times at most."""
        self.steady = ""

    # Services

    def start_service(self, prefix: str, load: int) -> ServiceLoad:
        service = jobs.running_service(self.client, self.versions[prefix], load, timeout=300)
        self.history.services.add(str(service["id"]))
        one = ServiceLoad(self.impatient(), str(service["id"]), prefix, self.history)
        self.loads.append(one)
        one.start()
        return one

    def impatient(self) -> Client:
        """A client that does not repeat what failed."""
        return Client(self.client.url, self.client.token, patience_s=0)

    def stop_service(self, one: ServiceLoad) -> None:
        """Stop, wait, delete."""
        one.stop.set()
        one.join(60)
        self.loads.remove(one)
        path = f"/api/v1/services/{one.service_id}"
        self.client.post(f"{path}:stop")
        eventually(lambda: self.client.get(path)["state"] == "STATE_STOPPED", timeout=300, interval=0.3)
        self.client.delete(path)

    # Phases

    def serving(self) -> tuple[str, ...]:
        now = time.monotonic()
        return tuple(one.service_id for one in self.loads if one.is_well(now - LIVE_S))

    def prepare(self) -> Phases:
        """Bring work into every phase; returns at a moment in which all were there. AssertionError when it cannot."""
        deadline = time.monotonic() + PREPARE_S
        last = Phases()
        while time.monotonic() < deadline:
            last = look(self.client, self.places, self._import_id(), self.serving())
            if not last.missing and self.steady in last.running:
                return last
            self._bring(last)
            time.sleep(0.01)
        raise AssertionError(f"no moment with work in every phase within {PREPARE_S} s; last: {last}")

    def _import_id(self) -> str:
        return self.importing.dataset_id if self.importing is not None else ""

    def _bring(self, now: Phases) -> None:
        """Begin what is missing, one after the other, so that the phases meet: what lasts longest comes first."""
        open_ = (*now.starting, *now.running, *now.reporting)
        if not now.queued:
            self.submit(cpu_millis=WHALE_MILLIS)
        held = [task_id for task_id in now.running if task_id != self.steady]
        if len(open_) >= SLOTS - 1:  # one is kept free for the task that shows the recovery
            for task_id in held[:-1]:  # of attempts at which the phases did not meet
                self.release(task_id, now.workloads[task_id])
        elif self.steady not in (*open_, *now.queued):
            self.steady = self.submit(hold=True)
        elif not held and not now.starting:
            self._submit_held()
        elif self.importing is None or not self.importing.is_alive():
            self.importing = Import(self.client, self.history, self.folder, self.archive, IMPORT_SAMPLES)
            self.importing.start()
        elif held and now.importing and not now.reporting:
            self.release(held[-1], now.workloads[held[-1]])
            if not now.starting:
                self._submit_held()  # it starts while the other reports
        elif now.reporting and not now.starting:
            self._submit_held()

    def _submit_held(self) -> None:
        """A task whose run takes its time to start and to report, and is held in between."""
        self.submit(hold=True, heavy=True, points=POINTS, files=FILES)

    # The end

    def drain(self, timeout: float = 300) -> None:
        """Let everything end; returns when no accepted task is open or `timeout` seconds have passed."""
        self.uploads.stopping.set()
        for one in list(self.loads):
            with suppress(ApiError, httpx.HTTPError, AssertionError):
                self.stop_service(one)
        self.uploads.join(timeout)
        if self.importing is not None:
            self.importing.join(timeout)
        deadline = time.monotonic() + timeout
        while (unfinished := self._unfinished()) and time.monotonic() < deadline:
            for task_id in unfinished:
                self.release(task_id, self.workload_of(task_id))
            time.sleep(0.5)

    def _unfinished(self) -> list[str]:
        found: list[str] = []
        for state in ("STATE_WAITING", "STATE_TRAINING"):
            page = self.client.get("/api/v1/tasks", state=state, page_size=500).get("tasks", [])
            found += [str(task["id"]) for task in page]
        return found
