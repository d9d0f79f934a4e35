"""`<service>.post`: makes the answer out of the scores."""

import json
from pathlib import Path
from typing import Any

import triton_python_backend_utils as pb_utils
from postprocessing import BadOutput, answers  # type: ignore[import-not-found]  # beside this file in the entry


class TritonPythonModel:
    """One instance; `step.json` beside this file says what to do."""

    def initialize(self, args: dict[str, str]) -> None:
        spec = json.loads((Path(__file__).parent / "step.json").read_text("utf-8"))
        self.input, self.kind, self.labels = spec["input"], spec["kind"], tuple(spec["labels"])

    def execute(self, requests: list[Any]) -> list[Any]:
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:
        scores = pb_utils.get_input_tensor_by_name(request, self.input).as_numpy()
        try:
            found = answers(scores, self.kind, self.labels)
        except BadOutput as error:
            return pb_utils.InferenceResponse(error=pb_utils.TritonError(str(error), pb_utils.TritonError.INTERNAL))
        return pb_utils.InferenceResponse(
            [
                pb_utils.Tensor("label", found.labels),
                pb_utils.Tensor("confidence", found.confidence),
                pb_utils.Tensor("probabilities", found.probabilities),
            ]
        )
