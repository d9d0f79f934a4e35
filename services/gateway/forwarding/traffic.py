"""What passes the gateway on its way to Triton, counted for serving."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import grpc

from protos.serving.v1 import serving_pb2, serving_pb2_grpc
from services.gateway.forwarding.triton import failure_of_triton
from services.kernel.config import KernelSettings
from services.kernel.grpc import client
from services.kernel.traffic import Cell, Outcome, Reporter, Tally


class InferenceTraffic(Tally):
    """Counts what Triton answered; `:predict` is counted by serving, which answers it."""

    @contextmanager
    def counting_rpc(self, service_id: str) -> Iterator[None]:
        """One inference by gRPC."""
        with self.counting(service_id) as request:
            try:
                yield
            except grpc.aio.AioRpcError as error:
                request.outcome = Outcome.of(failure_of_triton(error).as_domain_error)
                raise


def reporter(traffic: InferenceTraffic, settings: KernelSettings) -> Reporter:
    """Tells serving, as the gateway itself."""
    serving = serving_pb2_grpc.ServingServiceStub(client.connect(settings, "serving", as_service="gateway"))

    def send(source: str, cells: Sequence[Cell]) -> None:
        serving.RecordTraffic(serving_pb2.RecordTrafficRequest(source=source, cells=map(_message, cells)))

    return Reporter(traffic, send)


def _message(cell: Cell) -> serving_pb2.TrafficCell:
    counts = {outcome.value: cell.outcomes[outcome] for outcome in Outcome}
    return serving_pb2.TrafficCell(
        service_id=cell.subject, start=cell.span.start, width_s=cell.span.width_s, steps=cell.steps, **counts
    )
