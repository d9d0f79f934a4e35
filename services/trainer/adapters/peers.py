"""The other services, seen through the ports of training."""

from collections.abc import Sequence

import grpc

from protos.algorithm.v1 import algorithm_pb2, algorithm_pb2_grpc
from protos.common.v1 import common_pb2
from protos.dataset.v1 import dataset_pb2, dataset_pb2_grpc
from protos.scheduler.v1 import workload_pb2, workload_pb2_grpc
from services.kernel.config import KernelSettings
from services.kernel.grpc import client
from services.kernel.grpc.status import from_rpc_error
from services.kernel.values import BundleRef, Purpose
from services.kernel.wire import from_message
from services.trainer.ports import AlgorithmFacts, DatasetFacts, TrainingData, TrainingJob

GRACE_S = 20
READ_TIMEOUT_S = 5.0
MAX_LOG_CHUNKS = 16


def _bundle(ref: BundleRef) -> common_pb2.BundleRef:
    return common_pb2.BundleRef(index=ref.index, files=ref.files, bytes=ref.bytes)


class DatasetClient:
    """`Datasets` over gRPC."""

    def __init__(self, settings: KernelSettings) -> None:
        self._stub = dataset_pb2_grpc.DatasetServiceStub(client.connect(settings, "dataset", as_service="trainer"))

    def facts(self, dataset_id: str) -> DatasetFacts:
        dataset = self._stub.GetDataset(dataset_pb2.GetDatasetRequest(id=dataset_id))
        return DatasetFacts(
            id=dataset.id,
            purpose=from_message(dataset.purpose, Purpose),
            format=dataset.format,
            online=dataset.online,
            independent_test_set=dataset.test_set_mode == dataset_pb2.Dataset.TEST_SET_MODE_INDEPENDENT,
            version=dataset.version.number,
        )

    def prepare(self, dataset_id: str, version: int, train_share: float, seed: int) -> TrainingData:
        data = self._stub.PrepareTrainingData(
            dataset_pb2.PrepareTrainingDataRequest(id=dataset_id, version=version, train_share=train_share, seed=seed),
            timeout=120,
        )
        return TrainingData(
            bundle=from_message(data.bundle, BundleRef),
            manifest=data.manifest,
            version=data.version,
            classes=tuple(data.classes),
        )


class AlgorithmClient:
    """`Algorithms` over gRPC."""

    def __init__(self, settings: KernelSettings) -> None:
        channel = client.connect(settings, "algorithm", as_service="trainer")
        self._stub = algorithm_pb2_grpc.AlgorithmServiceStub(channel)

    def facts(self, algorithm_id: str) -> AlgorithmFacts:
        algorithm = self._stub.GetAlgorithm(algorithm_pb2.GetAlgorithmRequest(id=algorithm_id))
        return AlgorithmFacts(
            id=algorithm.id,
            name=algorithm.name,
            major_version=algorithm.major_version,
            purpose=from_message(algorithm.purpose, Purpose),
            data_formats=tuple(algorithm.data_formats),
            online=algorithm.online,
            command=(*algorithm.training.command, *algorithm.training.args),
            env=dict(algorithm.training.env),
            parameters_schema=algorithm.training.parameters_schema,
            code=from_message(algorithm.code, BundleRef),
            code_hash=algorithm.code_hash,
        )


class SchedulerClient:
    """`Scheduler` over gRPC, and the reading side that the RPC layer shows to users."""

    def __init__(self, settings: KernelSettings) -> None:
        channel = client.connect(settings, "scheduler", as_service="trainer")
        self._stub = workload_pb2_grpc.WorkloadServiceStub(channel)

    def submit(self, job: TrainingJob) -> str:
        spec = workload_pb2.WorkloadSpec(
            name=job.name,
            kind=workload_pb2.WORKLOAD_KIND_TRAINING,
            engine="process",
            subject=f"run/{job.run_id}",
            workers=1,
            command=job.command,
            env=job.env,
            time_limit_s=job.time_limit_s,
            grace_s=GRACE_S,
            resources=common_pb2.Resources(
                cpu_millis=job.resources.cpu_millis,
                memory_bytes=job.resources.memory_bytes,
                gpu_millis=job.resources.gpu_millis,
                gpu_memory_bytes=job.resources.gpu_memory_bytes,
            ),
            inputs=[
                workload_pb2.WorkloadInput(path="code", bundle=_bundle(job.code)),
                workload_pb2.WorkloadInput(path="dataset", bundle=_bundle(job.data.bundle)),
                workload_pb2.WorkloadInput(path="dataset/manifest.json", blob=job.data.manifest),
                workload_pb2.WorkloadInput(path="params.json", text=job.parameters),
            ],
        )
        request = workload_pb2.SubmitWorkloadRequest(
            spec=spec, request_id=job.run_id, owner=job.owner, project=job.project
        )
        return self._stub.SubmitWorkload(request).id

    def cancel(self, workload_id: str) -> None:
        self._stub.CancelWorkload(workload_pb2.CancelWorkloadRequest(id=workload_id))

    def workloads(self, ids: Sequence[str]) -> dict[str, workload_pb2.Workload]:
        """Those of these workloads (1000 at most) that the scheduler knows, by id."""
        request = workload_pb2.ListWorkloadsRequest(ids=ids, page_size=len(ids))
        found = self._stub.ListWorkloads(request, timeout=READ_TIMEOUT_S).workloads if ids else ()
        return {workload.id: workload for workload in found}

    def metric_points(self, workload_id: str, name: str, after: int, limit: int) -> list[workload_pb2.MetricPoint]:
        request = workload_pb2.ListMetricPointsRequest(id=workload_id, name=name, after=after, page_size=limit)
        return list(self._stub.ListMetricPoints(request).points)

    def log(self, workload_id: str, offset: int) -> list[bytes]:
        """What the log holds now from `offset` on, at most a few chunks."""
        request = workload_pb2.ReadLogRequest(id=workload_id, offset=offset)
        stream = self._stub.ReadLog(request, timeout=60)
        chunks: list[bytes] = []
        try:
            for chunk in stream:
                chunks.append(chunk.data)
                if len(chunks) >= MAX_LOG_CHUNKS:
                    break
        except grpc.RpcError as error:
            raise from_rpc_error(error) from error
        finally:
            stream.cancel()
        return chunks
