"""Inference for clients."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.kernel.errors import Unavailable
from services.kernel.rights import require_visible
from services.serving.domain import Service
from services.serving.handlers.inputs import Instance, columns
from services.serving.handlers.services import require_running
from services.serving.ports import Answer, Attention, Inference, ServiceReader, Traffic

RETRIES = 2
_REPAIRABLE = ("INSTANCE_DEAD", "MODEL_NOT_LOADED")


@dataclass(frozen=True)
class Predictions:
    """One answer an instance, in order; `labels` names the probabilities."""

    answers: Sequence[Answer]
    labels: Sequence[str]
    model_number: str


def predict(
    service_id: str,
    instances: Sequence[Instance],
    services: ServiceReader,
    attention: Attention,
    inference: Inference,
    traffic: Traffic,
) -> Predictions:
    """Ask the model of a running service, and count it.

    Raises NotFound, FailedPrecondition (not running), InvalidArgument naming the field, Unavailable while it is
    being loaded again.
    """
    service = services.get(service_id)
    require_visible(service)
    require_running(service)
    with traffic.counting(service.id):
        return _answered(service, instances, attention, inference)


def _answered(
    service: Service, instances: Sequence[Instance], attention: Attention, inference: Inference
) -> Predictions:
    inputs = columns(service.interface, service.inputs, instances)
    for left in range(RETRIES, -1, -1):
        try:
            return Predictions(inference.infer(service.id, inputs), service.labels, service.model_number)
        except Unavailable as error:
            if error.reason not in _REPAIRABLE:
                raise
            attention.call(service.id)
            # Another instance of the same model may be well; an absent model is not there for any instance.
            if not left or error.reason == "MODEL_NOT_LOADED":
                raise
    raise AssertionError("unreachable")
