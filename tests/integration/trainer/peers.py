"""The services that training needs, as tiny servicers behind one address."""

import threading
from typing import NoReturn

from google.protobuf.descriptor import ServiceDescriptor

from protos.algorithm.v1 import algorithm_pb2
from protos.common.v1 import common_pb2
from protos.dataset.v1 import dataset_pb2
from protos.scheduler.v1 import workload_pb2
from services.kernel.errors import NotFound
from services.kernel.grpc import without_transaction
from services.kernel.ids import new_id

BROKEN = "ds-broken"
"""A data set for which the service fails whenever its split is wanted."""

Workload = workload_pb2.Workload


def _purpose() -> common_pb2.Purpose:
    return common_pb2.Purpose(level1="image", level2="classification")


class _Peer:
    """What a servicer does not implement is not there."""

    def __init__(self, service: ServiceDescriptor) -> None:
        for method in service.methods:
            if not hasattr(self, method.name):
                setattr(self, method.name, self._not_here)

    @without_transaction
    def _not_here(self, request: object) -> NoReturn:
        raise NotFound("Nothing is there.")


class Datasets(_Peer):
    def GetDataset(self, request: dataset_pb2.GetDatasetRequest) -> dataset_pb2.Dataset:
        version = dataset_pb2.DatasetVersion(number=1)
        return dataset_pb2.Dataset(
            id=request.id,
            purpose=_purpose(),
            format="dir",
            online=True,
            version=version,
            test_set_mode=dataset_pb2.Dataset.TEST_SET_MODE_RATIO,
        )

    def PrepareTrainingData(self, request: dataset_pb2.PrepareTrainingDataRequest) -> dataset_pb2.TrainingData:
        if request.id == BROKEN:
            raise RuntimeError("a defect")
        return dataset_pb2.TrainingData(
            bundle=common_pb2.BundleRef(index="d" * 64), manifest="e" * 64, version=1, classes=["a", "b"]
        )


class Algorithms(_Peer):
    def GetAlgorithm(self, request: algorithm_pb2.GetAlgorithmRequest) -> algorithm_pb2.Algorithm:
        algorithm = algorithm_pb2.Algorithm(
            id=request.id, name="classifier", major_version=3, purpose=_purpose(), data_formats=["dir"], online=True
        )
        algorithm.code.index = "c" * 64
        algorithm.code_hash = "the hash of the code"
        algorithm.training.command.append("python")
        return algorithm


class Scheduler(_Peer):
    """`workloads` by request id. With `holding`, a submission is done but its answer waits until `released`."""

    def __init__(self, service: ServiceDescriptor) -> None:
        super().__init__(service)
        self.workloads: dict[str, Workload] = {}
        self.cancelled: list[str] = []
        self.submissions: list[str] = []
        self.holding = False
        self.released = threading.Event()
        self._lock = threading.Lock()

    @without_transaction
    def SubmitWorkload(self, request: workload_pb2.SubmitWorkloadRequest) -> Workload:
        with self._lock:
            self.submissions.append(request.request_id)
            made = Workload(id=new_id("wl"), spec=request.spec, state=Workload.STATE_PENDING, attempt=0)
            workload = self.workloads.setdefault(request.request_id, made)
        if self.holding:
            self.released.wait(30)
        return workload

    @without_transaction
    def CancelWorkload(self, request: workload_pb2.CancelWorkloadRequest) -> Workload:
        self.cancelled.append(request.id)
        return self._by_id(request.id)

    def ListWorkloads(self, request: workload_pb2.ListWorkloadsRequest) -> workload_pb2.ListWorkloadsResponse:
        found = [one for one in self.workloads.values() if one.id in request.ids]
        return workload_pb2.ListWorkloadsResponse(workloads=found, total_size=len(found))

    def of_run(self, run_id: str) -> Workload | None:
        return self.workloads.get(run_id)

    def _by_id(self, workload_id: str) -> Workload:
        found = next((one for one in self.workloads.values() if one.id == workload_id), None)
        if found is None:
            raise NotFound(f"There is no {workload_id}.")
        return found
