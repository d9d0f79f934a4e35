"""`<service>.pre`: decodes what clients send. A bad value is answered with an error that names input and row."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils
from preprocessing import BadInput, step_from  # type: ignore[import-not-found]  # beside this file in the entry


class TritonPythonModel:
    """One instance; `step.json` beside this file says what to do."""

    def initialize(self, args: dict[str, str]) -> None:
        spec = json.loads((Path(__file__).parent / "step.json").read_text("utf-8"))
        self.parameter, self.output = spec["parameter"], spec["output"]
        self.step = step_from(spec)

    def execute(self, requests: list[Any]) -> list[Any]:
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:
        values = pb_utils.get_input_tensor_by_name(request, self.parameter).as_numpy()
        try:
            tensor = self.step.tensor([bytes(value) for value in values.reshape(-1)])
        except BadInput as error:
            message = f"input '{self.parameter}' {error}"
            return pb_utils.InferenceResponse(error=pb_utils.TritonError(message, pb_utils.TritonError.INVALID_ARG))
        return pb_utils.InferenceResponse([pb_utils.Tensor(self.output, np.ascontiguousarray(tensor))])
