"""The run context: environment, metrics, progress, checkpoints, exit codes; and runs by hand."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from services.algorithm.sdk import Run
from services.algorithm.sdk.algorithm import sdk_search_path
from services.algorithm.sdk.checkpoint import Checkpoint
from services.algorithm.sdk.errors import ContractError, ModelError
from services.algorithm.sdk.jsontypes import JsonObject
from services.algorithm.sdk.metrics import Metrics
from services.algorithm.sdk.model import Model, Postprocessing, Tensor, TextPreprocessing, write_model
from services.algorithm.sdk.progress import Progress
from services.algorithm.sdk.run import main as run_by_hand

DEFINITION = """\
name: demo
training:
  command: python train.py
  parameters: {type: object, properties: {epochs: {type: integer, minimum: 1, default: 3}}}
"""

SCRIPT = """\
import modelyard_sdk as sdk

def train(run):
    for epoch in range(run.params.integer("epochs")):
        run.metrics.log(epoch, loss=1 / (epoch + 1))
        run.progress(epoch + 1, run.params.integer("epochs"), "training")
    judged = list(run.dataset.samples("test"))
    answers = [sample.label for sample in judged]
    run.save_report(sdk.classification_report(run.dataset, judged, answers, [1.0] * len(judged), trained=1))

sdk.main(train)
"""


@pytest.fixture
def algorithm(tmp_path: Path) -> Path:
    folder = tmp_path / "algorithm"
    folder.mkdir()
    (folder / "algorithm.yaml").write_text(DEFINITION, encoding="utf-8")
    (folder / "train.py").write_text(SCRIPT, encoding="utf-8")
    return folder


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    for at in range(4):
        path = tmp_path / "texts" / "ab"[at % 2] / f"{at}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"text {at}", encoding="utf-8")
    return tmp_path / "texts"


def lines(path: Path) -> list[JsonObject]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_parameters_come_from_a_file_inline_or_plain_variables(algorithm: Path, tmp_path: Path) -> None:
    (tmp_path / "params.json").write_text('{"epochs": 4}', encoding="utf-8")
    base = {"MODELYARD_ALGORITHM": str(algorithm), "MODELYARD_OUTPUT": str(tmp_path / "out"), "EPOCHS": "6"}
    cases = {str(tmp_path / "params.json"): 4, '{"epochs": 5}': 5, "{}": 3, "": 6}
    for source, epochs in cases.items():
        assert Run.from_environment({**base, "MODELYARD_PARAMS": source}).params.integer("epochs") == epochs


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"MODELYARD_PARAMS": "/nowhere.json"}, "MODELYARD_PARAMS: expected the path of a JSON file"),
        ({"MODELYARD_PARAMS": '{"epochs": 0}'}, "'epochs': expected an integer, at least 1, got 0"),
        ({"RANK": "x"}, "RANK: expected a number from 0, got 'x'"),
    ],
)
def test_a_faulty_environment_is_named(algorithm: Path, changes: dict[str, str], message: str) -> None:
    environment = {"MODELYARD_ALGORITHM": str(algorithm), "MODELYARD_OUTPUT": str(algorithm / "out"), **changes}
    with pytest.raises(ContractError, match=message):
        Run.from_environment(environment)


def test_only_rank_0_writes_metrics(tmp_path: Path) -> None:
    for rank in ("0", "1"):
        environment = {"RANK": rank, "WORLD_SIZE": "2", "MODELYARD_METRICS": str(tmp_path / f"m{rank}.jsonl")}
        run = Run.from_environment({**environment, "MODELYARD_OUTPUT": str(tmp_path)})
        run.metrics.log(1, loss=0.5)
    assert [path.name for path in tmp_path.glob("*.jsonl")] == ["m0.jsonl"]


def test_metrics_are_json_lines_and_never_nan(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path / "metrics.jsonl")
    metrics.log(3, loss=0.5, accuracy=float("nan"))
    metrics.log_limited(4, every=60, rate=1)
    metrics.log_limited(5, every=60, rate=2)
    point, invalid, limited = lines(tmp_path / "metrics.jsonl")
    assert (point["step"], point["name"], point["value"]) == (3, "loss", 0.5)
    assert (invalid["event"], invalid["name"], invalid["value"]) == ("invalid", "accuracy", "nan")
    assert (limited["step"], limited["name"]) == (4, "rate")


def test_progress_is_one_bar_over_planned_phases(tmp_path: Path) -> None:
    progress = Progress(Metrics(tmp_path / "metrics.jsonl"))
    progress.plan(reading=1, training=3)
    progress.update(1, 1, "reading")
    progress.update(1, 1, "training")
    progress.complete()
    written = lines(tmp_path / "metrics.jsonl")
    assert [line["value"] for line in written if line.get("name") == "progress"] == [0.25, 1.0]
    assert [(line["name"], line["state"]) for line in written if line.get("event") == "step"] == [
        ("reading", "started"),
        ("reading", "finished"),
        ("training", "started"),
        ("training", "finished"),
    ]


def test_a_checkpoint_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / ".writing-1").mkdir(parents=True)
    checkpoint = Checkpoint(tmp_path)
    assert checkpoint.latest() is None
    with checkpoint.writing(1) as folder:
        (folder / "state").write_text("one", encoding="utf-8")
    with pytest.raises(RuntimeError, match="disk"), checkpoint.writing(2) as folder:
        (folder / "state").write_text("half", encoding="utf-8")
        raise RuntimeError("disk")
    latest = checkpoint.latest()
    assert latest is not None
    assert (latest / "state").read_text(encoding="utf-8") == "one"
    with checkpoint.writing(10) as folder:
        (folder / "state").write_text("ten", encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["step-000000000010"]


def test_a_pickle_is_refused_as_a_model(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(b"x")
    model = Model(
        framework="sklearn",
        inputs=[Tensor("text", "string", [-1])],
        outputs=[Tensor("probabilities", "float64", [-1, 2])],
        labels=["a", "b"],
        preprocessing=TextPreprocessing("text", "text"),
        postprocessing=Postprocessing("probabilities", "probabilities"),
        metrics={},
    )
    with pytest.raises(ModelError, match="a pickle can run code"):
        write_model(tmp_path, tmp_path / "model.pkl", model, interface={}, provenance={})


def test_a_script_runs_by_hand(algorithm: Path, texts: Path, tmp_path: Path) -> None:
    arguments = [str(algorithm), "--dataset", str(texts), "--output", str(tmp_path / "out"), "--param", "epochs=2"]
    assert run_by_hand([*arguments, "--split", "0.5"]) == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["overall"]["accuracy"] == 1.0
    losses = [line["value"] for line in lines(tmp_path / "out" / "metrics.jsonl") if line.get("name") == "loss"]
    assert losses == [1.0, 0.5]


def test_a_wrong_parameter_by_hand_gives_code_2(
    algorithm: Path, texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(algorithm), "--dataset", str(texts), "--output", str(tmp_path / "out"), "--param", "epochs=many"]
    assert run_by_hand(arguments) == 2
    assert capsys.readouterr().err == "error: parameter 'epochs': expected an integer, at least 1, got \"many\"\n"


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ("raise sdk.DatasetError('no image')", 2, "error: no image\n"),
        ("raise KeyError('x')", 1, "KeyError: 'x'"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM); assert run.stopping; run.stop()", 143, ""),
        ("pass", 0, ""),
    ],
)
def test_exit_codes(tmp_path: Path, body: str, code: int, message: str) -> None:
    script = tmp_path / "train.py"
    script.write_text(f"import modelyard_sdk as sdk\ndef train(run):\n    {body}\nsdk.main(train)\n", encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": sdk_search_path(tmp_path), "MODELYARD_OUTPUT": str(tmp_path / "out")}
    done = subprocess.run(
        [sys.executable, str(script)], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert signal.getsignal(signal.SIGTERM) is not None
