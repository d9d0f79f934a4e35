"""Where inference requests for a service go."""

import time
from dataclasses import dataclass

from protos.serving.v1 import serving_pb2
from services.gateway.contract.contract import Method
from services.gateway.forwarding.calls import Backend, Call

KEPT_S = 3.0
_CACHE_SIZE = 10_000


@dataclass(frozen=True)
class Target:
    """The model's name in Triton and Triton's addresses (`host:port`)."""

    model: str
    grpc: str
    http: str


class Resolver:
    """Asks the serving service on behalf of the caller; the answer holds for KEPT_S."""

    def __init__(self, serving: Backend) -> None:
        self._serving = serving
        self._known: dict[tuple[str, str], tuple[float, Target]] = {}
        service = serving_pb2.DESCRIPTOR.services_by_name["ServingService"]
        self._method = Method(service.methods_by_name["ResolveService"], service.full_name, "serving")

    async def resolve(self, service_id: str, call: Call) -> Target:
        """Raises CallFailed: not found, not running, not the caller's to use."""
        key = (call.caller.user_id, service_id)
        known = self._known.get(key)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        request = serving_pb2.ResolveServiceRequest(id=service_id).SerializeToString()
        answer = serving_pb2.ResolveServiceResponse.FromString(await self._serving.unary(self._method, request, call))
        target = Target(answer.triton_model, answer.triton_grpc, answer.triton_http)
        if len(self._known) >= _CACHE_SIZE:
            self._known.clear()
        self._known[key] = (time.monotonic() + KEPT_S, target)
        return target

    def forget(self, service_id: str, call: Call) -> None:
        """Ask again next time: the model was not there."""
        self._known.pop((call.caller.user_id, service_id), None)
