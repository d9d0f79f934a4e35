"""What people write without a platform: FastAPI and onnxruntime, one uvicorn worker.

`python -m tests.benchmarks.pipeline.fastapi_server MODEL_FOLDER PORT`. It decodes and scales with the platform's own
code, so that only the way to the model differs. onnxruntime has its defaults.
"""

import base64
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnxruntime
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from services.serving.entries.modelfile import parse_model
from services.serving.entries.steps.postprocessing import answers
from services.serving.entries.steps.preprocessing import step_from


class Request(BaseModel):
    image: str


class Answer(BaseModel):
    label: str
    confidence: float
    probabilities: dict[str, float]


def application(folder: Path) -> FastAPI:
    """The server of one model folder."""
    model = parse_model(folder / "model.yaml")
    session = onnxruntime.InferenceSession(str(folder / model.weights), providers=["CPUExecutionProvider"])
    step, name = step_from(asdict(model.preprocessing)), model.preprocessing.tensor
    app = FastAPI()

    @app.post("/predict")
    async def predict(request: Request) -> Answer:
        tensor = step.tensor([base64.b64decode(request.image)])
        (scores,) = session.run([model.scores], {name: np.ascontiguousarray(tensor)})
        found = answers(scores, model.scores_kind, model.labels)
        return Answer(
            label=found.labels[0, 0].decode(),
            confidence=float(found.confidence[0, 0]),
            probabilities=dict(zip(model.labels, map(float, found.probabilities[0]), strict=True)),
        )

    return app


def main(folder: str, port: str) -> None:
    uvicorn.run(application(Path(folder)), host="127.0.0.1", port=int(port), access_log=False, log_level="warning")


if __name__ == "__main__":
    main(*sys.argv[1:])
