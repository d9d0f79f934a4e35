"""Triton by gRPC: inference and explicit model control."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from tritonclient.grpc import InferenceServerClient, InferInput, InferResult
from tritonclient.utils import InferenceServerException

from services.kernel.errors import DeadlineExceeded, DomainError, Internal, InvalidArgument, Unavailable
from services.serving.domain import ModelRejected
from services.serving.ports import Answer, ModelState
from services.serving.telemetry import loading, predicting

INFER_S = 30.0
CONTROL_S = 10.0
LOAD_S = 300.0
TRITON_AWAY = "Triton does not answer; repeat the request."

_BAD_INPUT = re.compile(r"input '(?P<name>[^']+)' \[(?P<row>\d+)\]: (?P<what>.*)", re.DOTALL)
_DEAD_INSTANCE = re.compile(r"Stub process .* is not healthy|Failed to send.*stub", re.IGNORECASE)
_NOT_LOADED = re.compile(r"unknown model|is not ready|has no available versions|is not found", re.IGNORECASE)
_ENDED = re.compile(r"socket closed|connection reset|broken pipe|stream removed|GOAWAY", re.IGNORECASE)
_ENSEMBLE = re.compile(r"^in ensemble '[^']*', ")
_CHANNEL = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.min_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2_000),
]


class TritonInference:
    """One channel, used by all threads of the process; connects at the first call."""

    def __init__(self, address: str) -> None:
        self._client = InferenceServerClient(address, channel_args=_CHANNEL)

    def is_live(self) -> bool:
        try:
            return bool(self._client.is_server_live(client_timeout=2.0))
        except InferenceServerException:
            return False

    def states(self) -> Mapping[str, ModelState]:
        """Every model by name; one that is being loaded or unloaded is BUSY."""
        try:
            index = self._client.get_model_repository_index(client_timeout=CONTROL_S)
        except InferenceServerException as error:
            raise _of_control(error) from error
        found: dict[str, ModelState] = {}
        for model in index.models:
            state = {"READY": ModelState.READY, "LOADING": ModelState.BUSY, "UNLOADING": ModelState.BUSY}
            found[model.name] = max(
                found.get(model.name, ModelState.ABSENT), state.get(model.state, ModelState.ABSENT), key=_RANK.index
            )
        return found

    def load(self, model: str) -> None:
        with loading():
            try:
                self._client.load_model(model, client_timeout=LOAD_S)
            except InferenceServerException as error:
                failure = _of_control(error)
                if isinstance(failure, Unavailable):
                    raise failure from error
                raise ModelRejected(f"Triton could not load the model: {failure.message}") from error

    def unload(self, model: str) -> None:
        try:
            self._client.unload_model(model, unload_dependents=True, client_timeout=CONTROL_S)
        except InferenceServerException as error:
            failure = _of_control(error)
            if isinstance(failure, Unavailable):
                raise failure from error

    def infer(self, model: str, inputs: Mapping[str, Sequence[bytes]]) -> list[Answer]:
        tensors = [_tensor(name, values) for name, values in inputs.items()]
        with predicting(max(map(len, inputs.values()), default=0)):
            try:
                result = self._client.infer(model, tensors, client_timeout=INFER_S)
            except InferenceServerException as error:
                raise _of_inference(error, model) from error
        return _answers(result)

    def close(self) -> None:
        self._client.close()


_RANK = [ModelState.ABSENT, ModelState.BUSY, ModelState.READY]


def _tensor(name: str, values: Sequence[bytes]) -> InferInput:
    tensor = InferInput(name, [len(values), 1], "BYTES")
    rows: npt.NDArray[np.object_] = np.array(list(values), dtype=np.object_).reshape(-1, 1)
    tensor.set_data_from_numpy(rows)
    return tensor


def _answers(result: InferResult) -> list[Answer]:
    labels = result.as_numpy("label").reshape(-1)
    confidence = result.as_numpy("confidence").reshape(-1)
    probabilities = result.as_numpy("probabilities")
    return [
        Answer(bytes(label).decode(), float(sure), tuple(float(p) for p in row))
        for label, sure, row in zip(labels, confidence, probabilities, strict=True)
    ]


def _status(error: InferenceServerException) -> str:
    """The name of the gRPC code, for example `INVALID_ARGUMENT`."""
    return str(error.status() or "").removeprefix("StatusCode.")


def first_lines(message: str, lines: int = 3, characters: int = 600) -> str:
    """The beginning of a message of Triton, on one line."""
    kept = [line.strip() for line in message.strip().splitlines() if line.strip()][:lines]
    return " ".join(kept)[:characters]


def _of_control(error: InferenceServerException) -> DomainError:
    message = first_lines(str(error.message() or error))
    if _status(error) == "UNAVAILABLE" and _ENDED.search(message):
        return Unavailable(f"Triton ended during the call ({message}).", reason="TRITON_ENDED")
    if _status(error) in ("UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", ""):
        return Unavailable(f"Triton does not answer ({message}).", reason="TRITON_UNAVAILABLE")
    return Internal(message)


def _of_inference(error: InferenceServerException, model: str) -> DomainError:
    """The one table from Triton's errors to ours."""
    message = _ENSEMBLE.sub("", str(error.message() or error))
    if bad := _BAD_INPUT.search(message):
        return InvalidArgument.field(
            f"instances[{bad['row']}].inputs.{bad['name']}", first_lines(bad["what"]), reason="BAD_INPUT"
        )
    if _DEAD_INSTANCE.search(message):
        return Unavailable(
            f"An instance of {model} died and is started anew; repeat the request.", reason="INSTANCE_DEAD"
        )
    status = _status(error)
    if status == "NOT_FOUND" or _NOT_LOADED.search(message):
        return Unavailable(f"{model} is being loaded again; repeat the request.", reason="MODEL_NOT_LOADED")
    told = first_lines(message)
    by_status: dict[str, DomainError] = {
        "INVALID_ARGUMENT": InvalidArgument(told),
        "DEADLINE_EXCEEDED": DeadlineExceeded(f"{model} did not answer within {INFER_S:.0f} s."),
        **{name: Unavailable(TRITON_AWAY, reason="TRITON_UNAVAILABLE") for name in ("UNAVAILABLE", "CANCELLED", "")},
    }
    return by_status.get(status, Internal(f"The model failed: {told}", reason="MODEL_FAILED"))
