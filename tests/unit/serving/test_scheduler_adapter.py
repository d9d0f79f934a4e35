"""The scheduler's answers as the reconciler takes them."""

from typing import cast

import grpc
import pytest

from protos.scheduler.v1 import workload_pb2
from services.kernel.errors import Conflict, DomainError, FailedPrecondition, NotFound, Unavailable
from services.serving.adapters.scheduler import Amount, GrpcScheduler, TritonNode


class Channel:
    """Answers GetWorkload; every other call meets `error`."""

    def __init__(self, state: workload_pb2.Workload.State.ValueType, error: DomainError) -> None:
        self._state = state
        self._error = error

    def unary_unary(self, method: str, *_: object, **__: object) -> object:
        def answer(request: object) -> workload_pb2.Workload:
            if method.endswith("/GetWorkload"):
                return workload_pb2.Workload(id="wl-1", state=self._state)
            raise self._error

        return answer

    unary_stream = stream_unary = stream_stream = unary_unary


def scheduler(state: workload_pb2.Workload.State.ValueType, error: DomainError) -> GrpcScheduler:
    node = TritonNode("triton", Amount(8000, 8), Amount(1000, 1))
    return GrpcScheduler(cast(grpc.Channel, Channel(state, error)), node)


@pytest.mark.parametrize("state", [workload_pb2.Workload.STATE_PENDING, workload_pb2.Workload.STATE_RUNNING])
@pytest.mark.parametrize("error", [Conflict("fenced"), FailedPrecondition("pending")])
def test_a_lease_that_changed_while_it_was_given_back_is_looked_at_again(
    state: workload_pb2.Workload.State.ValueType, error: DomainError
) -> None:
    with pytest.raises(Unavailable, match="The lease changed meanwhile"):
        scheduler(state, error).release("wl-1", cancelled=False)


def test_a_lease_that_is_gone_is_given_back() -> None:
    scheduler(workload_pb2.Workload.STATE_RUNNING, NotFound("gone")).release("wl-1", cancelled=False)
