"""Serving's processes with a real scheduler and Triton; only the model library is a fake."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pymongo

from protos.common.v1 import common_pb2
from protos.scheduler.v1 import workload_pb2, workload_pb2_grpc
from protos.serving.v1 import serving_pb2, serving_pb2_grpc
from protos.trainer.v1 import model_pb2
from services.kernel.context import Caller, acting_as
from services.kernel.errors import DomainError, NotFound
from services.kernel.grpc import client, server
from services.kernel.storage.bundles import write_bundle
from services.kernel.storage.objects import MinioStore
from services.serving.config import ServingSettings
from tests.support.polling import eventually
from tests.support.triton import TritonProcess

OWNER = Caller("user-1", project="lab")
State = serving_pb2.Service


class Process:
    """A process of the platform; its output goes to a file."""

    def __init__(self, service: str, roles: list[str], environment: dict[str, str], log: Path) -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", f"services.{service}", *roles],
                env={**os.environ, **environment},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def terminate(self) -> int:
        self._process.terminate()
        return self._process.wait(30)


class ModelLibrary:
    """The one RPC of the trainer that serving calls."""

    def __init__(self) -> None:
        self.versions: dict[str, model_pb2.ModelVersion] = {}

    def GetModelVersion(self, request: model_pb2.GetModelVersionRequest) -> model_pb2.ModelVersion:
        if request.id not in self.versions:
            raise NotFound(f"There is no model version {request.id!r}.")
        return self.versions[request.id]

    def __getattr__(self, name: str) -> object:
        if not name[0].isupper():
            raise AttributeError(name)

        def refuse(_request: object) -> None:
            raise NotFound(f"{name} is not part of this fake.")

        return refuse


class Platform:
    """Everything that a model service needs, for one test at a time."""

    def __init__(self, environment: dict[str, str], triton: TritonProcess, models: Path, root: Path) -> None:
        self.environment = {
            **environment,
            "MODELYARD_TRITON_GRPC": triton.grpc,
            "MODELYARD_TRITON_REPOSITORY": str(triton.repository),
            "MODELYARD_TRITON_CPU_MILLIS": "2000",
        }
        values = {name.removeprefix("MODELYARD_").lower(): value for name, value in self.environment.items()}
        self.settings = ServingSettings.model_validate(values)
        self.triton, self.models, self._root = triton, models, root
        self.library = ModelLibrary()
        self._stop = threading.Event()
        descriptor = model_pb2.DESCRIPTOR.services_by_name["ModelService"]
        arguments = ("trainer", self.settings, [(self.library, descriptor)], self._stop)
        self._library_thread = threading.Thread(target=server.run, args=arguments, daemon=True)
        self.serving = serving_pb2_grpc.ServingServiceStub(client.connect(self.settings, "serving", as_service="tests"))
        self.workloads = workload_pb2_grpc.WorkloadServiceStub(
            client.connect(self.settings, "scheduler", as_service="tests")
        )
        self._others: list[Process] = []
        self.control: Process | None = None

    def start(self) -> None:
        self._library_thread.start()
        self._others = [
            Process("scheduler", ["rpc", "control"], self.environment, self._root / "scheduler.log"),
            Process("serving", ["rpc"], self.environment, self._root / "rpc.log"),
            Process("serving", ["events"], self.environment, self._root / "events.log"),
        ]
        self.start_control()
        eventually(self._answers, 60)

    def start_control(self) -> None:
        self.control = Process("serving", ["control"], self.environment, self._root / "control.log")

    def stop(self) -> None:
        for process in (*self._others, *([self.control] if self.control else [])):
            process.kill()
        self._stop.set()
        self._library_thread.join(10)
        with pymongo.MongoClient[dict[str, object]](self.settings.mongo_uri.get_secret_value()) as mongo:
            for database in ("modelyard_scheduler", "modelyard_serving"):
                mongo.drop_database(database)

    def publish(self, name: str, kind: str, *, spoil: bool = False) -> str:
        """Put a model folder into the object store and the library; the id of the version."""
        folder = self.models / name
        files = [(path.name, path.read_bytes(), None) for path in sorted(folder.iterdir())]
        if spoil:
            files = [(path, content if path == "model.yaml" else b"spoilt", meta) for path, content, meta in files]
        bundle = write_bundle(MinioStore(self.settings), files)
        version_id = f"mv-{name}{'-spoilt' if spoil else ''}"
        parameter = common_pb2.InterfaceParameter(name=kind, type=kind, required=True)
        self.library.versions[version_id] = model_pb2.ModelVersion(
            id=version_id,
            model_id=f"m-{name}",
            model_name=name,
            number="1.01",
            framework="onnx",
            bundle=common_pb2.BundleRef(index=bundle.index, files=bundle.files, bytes=bundle.bytes),
            interface=common_pb2.Interface(name="classify", parameters=[parameter]),
            labels=["not", "the", "order"],
            provenance=model_pb2.Provenance(task_id="task-1"),
        )
        return version_id

    def create(self, version_id: str) -> str:
        with acting_as(OWNER):
            wanted = serving_pb2.Service(name="numbers", model_version_id=version_id)
            created = self.serving.CreateService(serving_pb2.CreateServiceRequest(service=wanted))
        service_id: str = created.id
        return service_id

    def begin(self, service_id: str, load: int) -> None:
        with acting_as(OWNER):
            self.serving.StartService(serving_pb2.StartServiceRequest(id=service_id, load=load))

    def end(self, service_id: str) -> None:
        with acting_as(OWNER):
            self.serving.StopService(serving_pb2.StopServiceRequest(id=service_id))

    def get(self, service_id: str) -> State:
        with acting_as(OWNER):
            return self.serving.GetService(serving_pb2.GetServiceRequest(id=service_id))

    def until(self, service_id: str, state: int, load: int, timeout: float = 90) -> State:
        def looked() -> State | None:
            found = self.get(service_id)
            assert (found.state, found.actual_load) == (state, load), str(found)
            return found

        found = eventually(looked, timeout, 0.2)
        assert found is not None
        return found

    def predict(self, service_id: str, *instances: dict[str, str]) -> serving_pb2.PredictResponse:
        request = serving_pb2.PredictRequest(
            id=service_id, instances=[serving_pb2.Instance(inputs=inputs) for inputs in instances]
        )
        with acting_as(OWNER):
            return self.serving.Predict(request)

    def leases(self, service_id: str) -> list[workload_pb2.Workload]:
        """The workloads of a service, newest first."""
        found = self.workloads.ListWorkloads(workload_pb2.ListWorkloadsRequest(page_size=100)).workloads
        return [workload for workload in found if f"/{service_id}/" in workload.spec.subject]

    def _answers(self) -> bool:
        try:
            self.serving.ListServices(serving_pb2.ListServicesRequest(), timeout=2)
            self.workloads.ListWorkloads(workload_pb2.ListWorkloadsRequest(), timeout=2)
        except DomainError:
            return False
        return True
