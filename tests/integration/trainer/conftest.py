"""The trainer's processes over real servers; its peers are in this process."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from amqp.exceptions import NotFound as NoQueue
from google.protobuf.json_format import MessageToDict
from kombu import Connection
from pymongo import MongoClient

from protos.algorithm.v1 import algorithm_pb2
from protos.common.v1 import common_pb2
from protos.dataset.v1 import dataset_pb2
from protos.scheduler.v1 import events_pb2, workload_pb2
from protos.trainer.v1 import model_pb2_grpc, task_pb2, task_pb2_grpc
from services.kernel.context import Caller, acting_as
from services.kernel.grpc import client, server
from services.kernel.ids import new_id
from services.kernel.messaging import envelope
from services.kernel.storage import bundles
from services.kernel.storage.objects import MinioStore
from tests.integration.trainer.peers import Algorithms, Datasets, Scheduler
from tests.support.polling import eventually
from tests.support.servers import Servers
from tests.support.service_process import ROOT, answers, settings_of, stop

State = task_pb2.Task.State
QUEUE = "trainer-events.scheduler.v1"
SCORES = {"accuracy": 0.9, "precision": 0.8, "recall": 0.7, "f1": 0.75}
REPORT = {
    "format": "modelyard-report/1",
    "task": "classification",
    "classes": ["a", "b"],
    "overall": SCORES,
    "per_class": [],
    "confusion_matrix": [[1, 0], [0, 1]],
    "worst": [],
    "counts": {"train": 8, "test": 2, "non_compliant": 0},
}
MODEL_YAML = """
format: modelyard-model/1
framework: onnx
labels: [a, b]
weights: model.onnx
interface: {name: classify, parameters: [{name: image, type: image}]}
"""
GOOD = {
    "report.json": json.dumps(REPORT).encode(),
    "model/model.yaml": MODEL_YAML.encode(),
    "model/model.onnx": b"weights",
}


def free_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return f"127.0.0.1:{found.getsockname()[1]}"


class Platform:
    """The trainer with everything around it, and what its users and the scheduler do."""

    def __init__(self, servers: Servers, folder: Path) -> None:
        self._folder = folder
        peers, trainer = free_address(), free_address()
        self.settings = settings_of(servers).model_copy(
            update={"dataset_grpc": peers, "algorithm_grpc": peers, "scheduler_grpc": peers, "trainer_grpc": trainer}
        )
        addresses = {f"MODELYARD_{name}_GRPC": peers for name in ("DATASET", "ALGORITHM", "SCHEDULER")}
        self._environment = {**os.environ, **servers.environment, **addresses, "MODELYARD_TRAINER_GRPC": trainer}
        self.database = MongoClient[dict[str, Any]](servers.mongo_uri)["modelyard_trainer"]
        self.store = MinioStore(self.settings)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._sequences: dict[str, int] = {}
        self._stop = threading.Event()
        self._start_peers()
        channel = client.connect(self.settings, "trainer", as_service="test")
        self.tasks, self.models = task_pb2_grpc.TaskServiceStub(channel), model_pb2_grpc.ModelServiceStub(channel)

    def _start_peers(self) -> None:
        dataset = dataset_pb2.DESCRIPTOR.services_by_name["DatasetService"]
        algorithm = algorithm_pb2.DESCRIPTOR.services_by_name["AlgorithmService"]
        workload = workload_pb2.DESCRIPTOR.services_by_name["WorkloadService"]
        self.scheduler = Scheduler(workload)
        served = [(Datasets(dataset), dataset), (Algorithms(algorithm), algorithm), (self.scheduler, workload)]
        arguments = ("scheduler", self.settings, served, self._stop)
        self._peers = threading.Thread(target=server.run, args=arguments)
        self._peers.start()

    def start(self, *roles: str) -> None:
        for role in roles:
            with (self._folder / f"{role}.log").open("ab") as log:
                self._processes[role] = subprocess.Popen(
                    [sys.executable, "-m", "services.trainer", role],
                    cwd=ROOT,
                    env=self._environment,
                    stdout=log,
                    stderr=log,
                )

    def kill(self, role: str) -> None:
        self._processes[role].send_signal(signal.SIGKILL)
        self._processes.pop(role).wait()

    def ready(self) -> None:
        answers(self.settings, "trainer")
        answers(self.settings, "scheduler")
        eventually(self._listens, timeout=30)

    def _listens(self) -> bool:
        with Connection(self.settings.amqp_uri.get_secret_value()) as connection, suppress(NoQueue):
            declared = connection.channel().queue_declare(QUEUE, passive=True)
            return bool(declared.consumer_count)
        return False

    def close(self) -> None:
        for process in self._processes.values():
            assert stop(process) == 0
        self._stop.set()
        self._peers.join(15)

    def create(self, *, start: bool = True, dataset_id: str = "ds-1") -> str:
        task = task_pb2.Task(name=new_id("t"), algorithm_id="alg-1", dataset_id=dataset_id, train_share=0.8)
        return str(self.tasks.CreateTask(task_pb2.CreateTaskRequest(task=task, start=start)).id)

    def task(self, task_id: str) -> task_pb2.Task:
        found: task_pb2.Task = self.tasks.GetTask(task_pb2.GetTaskRequest(id=task_id))
        return found

    def reaches(self, task_id: str, state: "State.ValueType") -> task_pb2.Task:
        def there() -> bool:
            now = self.task(task_id).state
            assert now == state, State.Name(now)
            return True

        eventually(there, timeout=15)
        return self.task(task_id)

    def workload(self, task_id: str, run: int = 1) -> workload_pb2.Workload:
        found = eventually(lambda: self.scheduler.of_run(f"{task_id}-{run}"), timeout=25)
        assert found is not None
        return found

    def run_record(self, task_id: str, run: int = 1) -> dict[str, Any]:
        return self.database["runs"].find_one({"_id": f"{task_id}-{run}"}) or {}

    def events(self, task_id: str) -> list[str]:
        rows = self.database["outbox"].find({"subject": f"task/{task_id}"}).sort("sequence")
        return [str(row["type"]) for row in rows]

    def outputs(self, files: dict[str, bytes]) -> common_pb2.BundleRef:
        ref = bundles.write_bundle(self.store, [(path, content, None) for path, content in files.items()])
        return common_pb2.BundleRef(index=ref.index, files=ref.files, bytes=ref.bytes)

    def started(self, workload: workload_pb2.Workload) -> envelope.Event:
        workload.state, workload.attempt = workload_pb2.Workload.STATE_RUNNING, 1
        return self._event("workload.started", workload)

    def exited(self, workload: workload_pb2.Workload, files: dict[str, bytes]) -> envelope.Event:
        workload.state = workload_pb2.Workload.STATE_EXITED
        workload.exit.reason = workload_pb2.WorkloadExit.REASON_COMPLETED
        workload.exit.outputs.CopyFrom(self.outputs(files))
        return self._event("workload.exited", workload)

    def _event(self, kind: str, workload: workload_pb2.Workload) -> envelope.Event:
        self._sequences[workload.id] = sequence = self._sequences.get(workload.id, 0) + 1
        return envelope.Event(
            id=new_id("ev"),
            source="modelyard/scheduler",
            type=kind,
            subject=f"workload/{workload.id}",
            time=datetime.now(UTC),
            sequence=sequence,
            data=MessageToDict(events_pb2.WorkloadExited(workload=workload)),
        )

    def tell(self, *events: envelope.Event) -> None:
        with Connection(self.settings.amqp_uri.get_secret_value()) as connection:
            producer = connection.Producer()
            for event in events:
                producer.publish(
                    envelope.to_json(event),
                    exchange="scheduler.events",
                    routing_key=event.type,
                    content_type=envelope.CONTENT_TYPE,
                    content_encoding="utf-8",
                    delivery_mode=2,
                )

    def finished(self, files: dict[str, bytes] = GOOD) -> str:
        """A task that ran through with this output."""
        task_id = self.create()
        workload = self.workload(task_id)
        self.tell(self.started(workload), self.exited(workload, files))
        return task_id


@pytest.fixture(scope="module")
def running(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """One worker of the run at a time has the trainer: the servers hold one database for it."""
    with (servers.instance.home / "trainer.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = Platform(servers, tmp_path_factory.mktemp("trainer"))
        made.start("events", "rpc", "control")
        with acting_as(Caller("ann")):
            made.ready()
        yield made
        made.close()


@pytest.fixture
def platform(running: Platform) -> Iterator[Platform]:
    with acting_as(Caller("ann", "Ann")):
        yield running
