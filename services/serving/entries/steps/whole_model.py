"""`<service>`: decodes what clients send, runs the weights and makes the answer, in one process for each instance."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils
from core import Core  # type: ignore[import-not-found]  # these three are beside this file in the entry
from postprocessing import BadOutput, answers  # type: ignore[import-not-found]
from preprocessing import BadInput, step_from  # type: ignore[import-not-found]


class TritonPythonModel:
    """One instance; `step.json` beside this file says what to do. Requests of one execution are one batch."""

    def initialize(self, args: dict[str, str]) -> None:  # given by Triton
        here = Path(__file__).parent
        spec = json.loads((here / "step.json").read_text("utf-8"))
        self.parameter, self.step = spec["pre"]["parameter"], step_from(spec["pre"])
        self.kind, self.labels = spec["post"]["kind"], tuple(spec["post"]["labels"])
        try:
            self.core = Core(here / spec["core"]["weights"], spec["core"])
        except ValueError as error:
            raise pb_utils.TritonModelException(str(error)) from error

    def execute(self, requests: list[Any]) -> list[Any]:
        """One bad request does not spoil the batch: it alone gets an error, which names input and row."""
        responses: list[Any] = [None] * len(requests)
        good: list[int] = []
        tensors: list[Any] = []
        for at, request in enumerate(requests):
            values = pb_utils.get_input_tensor_by_name(request, self.parameter).as_numpy()
            try:
                tensors.append(self.step.tensor([bytes(value) for value in values.reshape(-1)]))
                good.append(at)
            except BadInput as error:
                responses[at] = _error(f"input '{self.parameter}' {error}", pb_utils.TritonError.INVALID_ARG)
        if good:
            scores = self.core.scores(np.ascontiguousarray(tensors[0] if len(good) == 1 else np.concatenate(tensors)))
            parts = np.split(scores, np.cumsum([len(tensor) for tensor in tensors])[:-1])
            for at, part in zip(good, parts, strict=True):
                responses[at] = self._answer(part)
        return responses

    def _answer(self, scores: Any) -> Any:
        try:
            found = answers(scores, self.kind, self.labels)
        except BadOutput as error:
            return _error(str(error), pb_utils.TritonError.INTERNAL)
        return pb_utils.InferenceResponse(
            [
                pb_utils.Tensor("label", found.labels),
                pb_utils.Tensor("confidence", found.confidence),
                pb_utils.Tensor("probabilities", found.probabilities),
            ]
        )


def _error(message: str, code: int) -> Any:
    return pb_utils.InferenceResponse(error=pb_utils.TritonError(message, code))
