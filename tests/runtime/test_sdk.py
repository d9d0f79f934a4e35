"""Exporters, report and learning-rate policies, checked inside the runtime environment."""

import subprocess
from pathlib import Path

import pytest

from services.algorithm.packaging import BUILTIN_FOLDER
from services.algorithm.sdk.algorithm import sdk_search_path

HONEST = """
import pathlib, sys, torch, modelyard_sdk as sdk
torch.manual_seed(0)
network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(144, 2))
difference = sdk.export_onnx(network, torch.randn(7, 3, 8, 8), pathlib.Path(sys.argv[1]) / "model.onnx")
files = [path.name for path in pathlib.Path(sys.argv[1]).glob("*.onnx*")]
assert files == ["model.onnx"], files
assert 0 <= difference < 1e-4, difference
"""

DISHONEST = """
import pathlib, sys, torch, modelyard_sdk as sdk
class Counting(torch.nn.Module):
    calls = 0
    def forward(self, x):
        if not torch.compiler.is_exporting():
            x = x + 1
        return x.flatten(1)
try:
    sdk.export_onnx(Counting(), torch.randn(3, 2, 2), pathlib.Path(sys.argv[1]) / "model.onnx")
except sdk.ModelError as error:
    assert "differs from torch by 1" in str(error), error
else:
    sys.exit("a model that differs was accepted")
"""

UNTRUSTED = """
import pathlib, sys, modelyard_sdk as sdk
from sklearn.naive_bayes import MultinomialNB
class Mine(MultinomialNB):
    pass
path = pathlib.Path(sys.argv[1]) / "model.skops"
model = Mine().fit([[1, 0], [0, 1]], [0, 1])
try:
    sdk.export_sklearn(model, [[1, 0]], path)
except sdk.ModelError as error:
    assert "holds types that are not trusted: __main__.Mine" in str(error), error
    assert not path.exists()
else:
    sys.exit("an untrusted type was accepted")
"""

REPORT = """
import json, pathlib, random, sys, modelyard_sdk as sdk
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support
folder = pathlib.Path(sys.argv[1])
generator = random.Random(3)
truth = [generator.randrange(4) for _ in range(500)]
answer = [t if generator.random() < 0.7 else generator.randrange(4) for t in truth]
samples = [{"text": "x", "class": str(t), "split": "test"} for t in truth]
manifest = {"format": "modelyard/1", "kind": "text", "classes": list("0123"), "samples": samples}
(folder / "manifest.json").write_text(json.dumps(manifest))
data = sdk.Dataset.open(folder)
report = sdk.classification_report(data, list(data.samples()), answer, [0.5] * 500, trained=0)
wanted = precision_recall_fscore_support(truth, answer, average="macro")[:3]
got = (report.precision, report.recall, report.f1)
assert all(abs(a - b) < 1e-9 for a, b in zip(wanted, got)), (wanted, got)
assert report.confusion == confusion_matrix(truth, answer).tolist()
"""

POLICIES = """
import sys
sys.path.insert(0, sys.argv[2])
from training import Settings
def rate(policy, iteration):
    settings = Settings(1, 1, 0.1, policy, 0.9, 2.0, 0, 0, 0, False)
    return settings.learning_rate(iteration, 100)
wanted = {
    "fixed": 0.1, "exp": 0.1 * 0.9**50, "inv": 0.1 * (1 + 0.9 * 50) ** -2, "poly": 0.1 * (1 - 50 / 100) ** 2,
}
for policy, value in wanted.items():
    assert abs(rate(policy, 50) - value) < 1e-12, (policy, rate(policy, 50), value)
    assert rate(policy, 0) == 0.1
"""


@pytest.mark.parametrize(
    "code",
    [HONEST, DISHONEST, UNTRUSTED, REPORT, POLICIES],
    ids=["onnx agrees", "onnx differs", "untrusted type", "report as scikit-learn", "learning-rate policies"],
)
def test_in_the_runtime(python: str, tmp_path: Path, code: str) -> None:
    (tmp_path / "path").mkdir()
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": sdk_search_path(tmp_path / "path")}
    arguments = [python, "-c", code, str(tmp_path), str(BUILTIN_FOLDER / "image_classification")]
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
