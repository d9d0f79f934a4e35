"""From the scores of the weights to the answer: label, confidence, probabilities. Runs inside Triton."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


class BadOutput(ValueError):
    """The weights gave something that is no answer; the message says what was expected."""


@dataclass(frozen=True)
class Answers:
    """`labels` (batch, 1) UTF-8 bytes, `confidence` (batch, 1), `probabilities` (batch, labels) of float32."""

    labels: npt.NDArray[np.object_]
    confidence: npt.NDArray[np.float32]
    probabilities: npt.NDArray[np.float32]


def answers(scores: npt.NDArray[np.generic], kind: str, labels: tuple[str, ...]) -> Answers:
    """`scores` (batch, labels) are logits when `kind` is "softmax", else probabilities. Raises BadOutput."""
    if scores.ndim != 2 or scores.shape[1] != len(labels):
        raise BadOutput(f"the model gave scores of shape {list(scores.shape)}; expected [batch, {len(labels)}]")
    values = scores.astype(np.float64)
    if not np.isfinite(values).all():
        raise BadOutput("the model gave scores that are not finite numbers")
    if kind == "softmax":
        powers = np.exp(values - values.max(axis=1, keepdims=True))
        values = powers / powers.sum(axis=1, keepdims=True)
    elif (values < -1e-6).any() or (values > 1 + 1e-6).any():
        raise BadOutput("the model gave scores outside 0 to 1; expected probabilities")
    best = values.argmax(axis=1)
    names = np.array([labels[column].encode() for column in best], dtype=np.object_).reshape(-1, 1)
    return Answers(names, values.max(axis=1, keepdims=True).astype(np.float32), values.astype(np.float32))
