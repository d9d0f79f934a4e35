"""The test inference that a model has to pass before it counts as running."""

import base64
import math

from services.kernel.errors import DeadlineExceeded, DomainError, Unavailable
from services.kernel.values import InterfaceParameter
from services.serving.domain import ModelRejected, Service
from services.serving.handlers.inputs import value_of
from services.serving.ports import Answer, Inference

# 8 × 8 grey pixels, for interfaces whose image parameter has no test value.
IMAGE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAAU0lEQVR42gFIALf/AAAECAwQFBgcACAkKCwwNDg8AEBESExQVFhc"
    "AGBkaGxwdHh8AICEiIyQlJicAKCkqKywtLi8AMDEyMzQ1NjcAODk6Ozw9Pj87yYfgdDmfgYAAAAASUVORK5CYII="
)


def check_answers(service: Service, load: int, inference: Inference) -> None:
    """Ask once for each instance, one after the other: Triton hands them round, so that each one answers.

    Raises Unavailable when Triton or an instance does not answer (in time), ModelRejected when an answer is none.
    """
    inputs = {
        parameter.name: [_test_value(parameter)]
        for parameter in service.interface.parameters
        if parameter.name in service.inputs
    }
    missing = sorted(set(service.inputs) - set(inputs))
    if missing:
        raise ModelRejected(f"The interface lacks what the model takes: {', '.join(missing)}.")
    for _ in range(load):
        try:
            (answer,) = inference.infer(service.id, inputs)
        except Unavailable:
            raise
        except DeadlineExceeded as error:
            # Whoever is busy answers late: that says nothing about the model.
            raise Unavailable(error.message, reason=error.reason) from error
        except DomainError as error:
            raise ModelRejected(f"The test inference failed: {error.message}") from error
        _require_answer(answer, service)


def _test_value(parameter: InterfaceParameter) -> bytes:
    if parameter.test_value:
        try:
            return value_of(parameter, parameter.test_value, f"test value of `{parameter.name}`")
        except DomainError as error:
            raise ModelRejected(f"The interface cannot be tried: {error.message}") from error
    return IMAGE if parameter.type == "image" else b"modelyard"


def _require_answer(answer: Answer, service: Service) -> None:
    fits = len(answer.probabilities) == len(service.labels) and answer.label in service.labels
    if not fits or not all(math.isfinite(p) and -1e-4 <= p <= 1 + 1e-4 for p in answer.probabilities):
        raise ModelRejected(
            f"The test inference gave {len(answer.probabilities)} probabilities and the label '{answer.label}'; "
            f"expected {len(service.labels)} from 0 to 1 and one of the model's labels."
        )
