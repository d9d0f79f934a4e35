"""Streams let go of what they hold, do not hold up other calls, and end with the server."""

import time
from typing import Protocol

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from protos.dataset.v1 import dataset_pb2, dataset_pb2_grpc
from services.kernel.errors import Internal, Unavailable
from services.kernel.grpc import client
from services.kernel.grpc.status import from_rpc_error
from tests.integration.kernel.grpc.conftest import SERVICE, Bench, RunningServer, free_address
from tests.integration.kernel.grpc.servicer import Datasets
from tests.support.polling import eventually


class Stream(Protocol):
    def __next__(self) -> dataset_pb2.Dataset: ...

    def cancel(self) -> object: ...


def watch(rpc: dataset_pb2_grpc.DatasetServiceStub, how: str) -> Stream:
    """An open stream whose first message has arrived."""
    stream: Stream = rpc.WatchDataset(dataset_pb2.WatchDatasetRequest(id=how))
    assert next(stream).owner == "ann"
    return stream


@pytest.mark.parametrize("how", ["wait", "flood"])
def test_a_cancelled_stream_lets_go(bench: Bench, how: str, capfd: pytest.CaptureFixture[str]) -> None:
    stream = watch(bench.rpc, how)
    assert bench.datasets.open == 1
    stream.cancel()
    eventually(lambda: bench.datasets.open == 0)
    assert bench.datasets.closed_by == ["ann"], "the context of the call has to last until its end"
    out, err = capfd.readouterr()
    assert "Traceback" not in out + err


def test_fifty_streams_do_not_hold_up_a_call(bench: Bench) -> None:
    streams = [watch(bench.rpc, "wait") for _ in range(50)]
    began = time.monotonic()
    assert bench.rpc.GetDataset(dataset_pb2.GetDatasetRequest(id="caller")).owner == "ann"
    assert time.monotonic() - began < 2
    for stream in streams:
        stream.cancel()
    eventually(lambda: bench.datasets.open == 0)


def test_a_stream_that_fails_hides_why(bench: Bench) -> None:
    stream = watch(bench.rpc, "crash")
    with pytest.raises(grpc.RpcError) as caught:
        next(stream)
    error = from_rpc_error(caught.value)
    assert isinstance(error, Internal)
    assert "secret" not in error.message
    assert len(error.metadata["trace_id"]) == 32
    assert bench.datasets.closed_by == ["ann"]


def test_a_server_that_stops_ends_its_streams_at_once(bench: Bench) -> None:
    settings = bench.settings.model_copy(update={"dataset_grpc": free_address()})
    servicer = Datasets()
    running = RunningServer(settings, servicer)
    with client.connect(settings, "dataset", as_service="test") as channel:
        streams = [watch(dataset_pb2_grpc.DatasetServiceStub(channel), how) for how in ("wait", "wait")]
        began = time.monotonic()
        running.stop()
        assert time.monotonic() - began < 3
        for stream in streams:
            with pytest.raises(grpc.RpcError) as caught:
                next(stream)
            assert isinstance(from_rpc_error(caught.value), Unavailable)
    assert servicer.open == 0


def test_health_and_reflection(bench: Bench) -> None:
    health = health_pb2_grpc.HealthStub(bench.channel)
    for name in ("", SERVICE.full_name):
        answer = health.Check(health_pb2.HealthCheckRequest(service=name))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    reflection = reflection_pb2_grpc.ServerReflectionStub(bench.channel)
    asked = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    answer = next(reflection.ServerReflectionInfo(asked))
    assert SERVICE.full_name in {service.name for service in answer.list_services_response.service}
