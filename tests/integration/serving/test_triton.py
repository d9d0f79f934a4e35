"""The generated entries on the real Triton."""

import hashlib
import os
import shutil
import signal
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from tritonclient.grpc import InferenceServerClient, InferInput
from tritonclient.utils import InferenceServerException

from services.kernel.errors import InvalidArgument, Unavailable
from services.kernel.ids import new_id
from services.serving.adapters.processes import LocalProcesses
from services.serving.adapters.triton import TritonInference
from services.serving.domain import ModelRejected
from services.serving.entries import EntryRepository, Marker
from services.serving.naming import Layout, entry_names
from services.serving.ports import ModelState
from tests.integration.serving.conftest import Installer, copy_of
from tests.support.images import png
from tests.support.polling import eventually
from tests.support.triton import TritonProcess


def has_instances(triton: TritonProcess, service: str, count: int) -> bool:
    return len(triton.stubs(f"{service}/")) == count


def forbidden(_folder: Path) -> None:
    pytest.fail("nothing has to be fetched")


RED, GREEN, BLUE = png((250, 5, 5)), png((5, 250, 5), size=(40, 17)), png((5, 5, 250), fmt="JPEG")


@pytest.mark.parametrize("model", ["colours", "colours-torch"])
def test_images_are_decoded_and_judged_inside_triton(
    model: str, install: Installer, inference: TritonInference
) -> None:
    service = install.shared(model)
    answers = inference.infer(service, {"image": [RED, GREEN, BLUE]})
    assert [answer.label for answer in answers] == ["red", "green", "blue"]
    for answer in answers:
        assert sum(answer.probabilities) == pytest.approx(1, abs=1e-5)
        assert answer.confidence == pytest.approx(max(answer.probabilities))
    expected = np.exp([(250 / 255 - 0.5) / 0.25, (5 / 255 - 0.5) / 0.25, (5 / 255 - 0.5) / 0.25])
    assert answers[0].probabilities == pytest.approx(expected / expected.sum(), abs=1e-3)


@pytest.mark.parametrize(
    ("model", "value"), [("colours", {"image": [GREEN, BLUE]}), ("greetings", {"text": [b"hello", "你好".encode()]})]
)
def test_an_ensemble_answers_as_the_whole_model_does(
    model: str, value: dict[str, list[bytes]], install: Installer, inference: TritonInference
) -> None:
    service = install(model, layout=Layout.ENSEMBLE)
    assert all(inference.states()[name] is ModelState.READY for name in entry_names(service))
    given = inference.infer(service, value)
    for answer, expected in zip(given, inference.infer(install.shared(model), value), strict=True):
        assert answer.label == expected.label
        assert answer.probabilities == pytest.approx(expected.probabilities, abs=1e-5)


def test_texts_in_two_languages(install: Installer, inference: TritonInference) -> None:
    service = install.shared("greetings")
    answers = inference.infer(service, {"text": [b"good evening", "晚上好".encode()]})
    assert [answer.label for answer in answers] == ["english", "chinese"]


def test_load_is_the_number_of_instances(install: Installer, inference: TritonInference, triton: TritonProcess) -> None:
    service = install.shared("colours")
    assert len(triton.stubs(f"{service}/")) == 2
    assert inference.states()[service] is ModelState.READY


def test_scaling_keeps_answering(
    install: Installer, inference: TritonInference, triton: TritonProcess, repository: EntryRepository
) -> None:
    service = install("colours", load=1)
    stop, failures, answered = threading.Event(), list[Exception](), list[str]()

    def ask() -> None:
        while not stop.is_set():
            try:
                answered.append(inference.infer(service, {"image": [RED]})[0].label)
            except Exception as error:
                failures.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        for load in (3, 2):
            repository.write(service, Marker("b" * 64, load), forbidden)
            inference.load(service)
            eventually(partial(has_instances, triton, service, load), timeout=60)
    finally:
        stop.set()
        thread.join()
    assert not failures
    assert set(answered) == {"red"}


@pytest.mark.parametrize(
    ("values", "row", "what"),
    [
        ([b"abc"], 0, "is not a decodable image; expected a whole PNG"),
        ([RED, RED[:40]], 1, "is not a decodable image"),
        ([RED, b""], 1, "is empty; expected an image file"),
        ([b"%!PS-Adobe-3.0 EPSF-3.0\n"], 0, "is not a decodable image"),
        ([png((1, 1, 1), size=(8000, 7000))], 0, "pixels; expected at most 50000000"),
    ],
)
def test_bad_images_are_named(
    values: list[bytes], row: int, what: str, install: Installer, inference: TritonInference
) -> None:
    service = install.shared("colours")
    with pytest.raises(InvalidArgument) as caught:
        inference.infer(service, {"image": values})
    assert caught.value.violations[0].field == f"instances[{row}].inputs.image"
    assert what in caught.value.message
    assert inference.infer(service, {"image": [RED]})[0].label == "red"


def test_bad_texts_are_named(install: Installer, inference: TritonInference) -> None:
    service = install.shared("greetings")
    for value, what in ((b"\xff\xfe", "is not UTF-8 (byte 0)"), (b"  ", "is empty"), (b"x" * 200_001, "200001 charac")):
        with pytest.raises(InvalidArgument, match=r"instances\[1\]\.inputs\.text") as caught:
            inference.infer(service, {"text": [b"hello", value]})
        assert what in caught.value.message


def test_wrong_name_shape_and_type_are_refused(install: Installer, triton: TritonProcess) -> None:
    service = install.shared("colours")
    client = InferenceServerClient(triton.grpc)
    value = np.array([[RED]], dtype=np.object_)
    for name, shape, dtype, told in (
        ("picture", [1, 1], "BYTES", "unexpected inference input 'picture'"),
        ("image", [1, 2], "BYTES", "unexpected shape for input 'image'"),
        ("image", [1, 1], "FP32", "data-type"),
    ):
        tensor = InferInput(name, shape, dtype)
        rows = np.zeros((1, 1), np.float32) if dtype == "FP32" else np.resize(value, shape)
        tensor.set_data_from_numpy(rows)
        with pytest.raises(InferenceServerException) as caught:
            client.infer(service, [tensor])
        assert told in str(caught.value.message())
        assert caught.value.status() == "StatusCode.INVALID_ARGUMENT"
    client.close()


def test_a_model_that_cannot_be_loaded_says_why(
    models: Path, repository: EntryRepository, inference: TritonInference, tmp_path: Path
) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(models / "colours", folder)
    garbage = b"not a model"
    (folder / "model.onnx").write_bytes(garbage)
    text = (folder / "model.yaml").read_text()
    old = text.split("sha256: ")[1].split("\n")[0]
    (folder / "model.yaml").write_text(text.replace(old, hashlib.sha256(garbage).hexdigest()))
    service = new_id("svc")
    repository.write(service, Marker("c" * 64, 1), copy_of(folder))
    with pytest.raises(ModelRejected, match=r"model\.onnx"):
        inference.load(service)
    inference.unload(service)
    repository.remove(service)


def test_a_dead_instance_is_recognised_and_healed(
    install: Installer, inference: TritonInference, triton: TritonProcess, repository: EntryRepository
) -> None:
    service = install("colours", load=1)
    inference.infer(service, {"image": [RED]})
    (pid,) = triton.stubs(f"{service}/")
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(Unavailable) as caught:
        inference.infer(service, {"image": [RED]})
    assert caught.value.reason == "INSTANCE_DEAD"
    assert inference.states()[service] is ModelState.READY, "Triton says so although nobody answers"
    repository.refresh(service)
    inference.load(service)
    assert inference.infer(service, {"image": [GREEN]})[0].label == "green"


def test_the_sisters_of_a_dead_instance_are_left_behind_and_can_be_ended(
    install: Installer, inference: TritonInference, triton: TritonProcess, repository: EntryRepository
) -> None:
    service = install("colours", load=2)
    processes = LocalProcesses(triton.repository)
    before = {pid for pid, served in processes.serving().items() if served == service}
    dead, sister = triton.stubs(f"{service}/")
    assert {dead, sister} == before
    os.kill(dead, signal.SIGKILL)
    repository.refresh(service)
    inference.load(service)
    eventually(lambda: dead not in processes.serving(), 10)
    assert sister in processes.serving()
    for pid in before & processes.serving().keys():
        processes.end(pid)
    eventually(lambda: not before & processes.serving().keys(), 10)
    for _ in range(2):
        assert inference.infer(service, {"image": [GREEN]})[0].label == "green"
    inference.unload(service)
    eventually(lambda: service not in processes.serving().values(), 60)
    inference.load(service)
    assert inference.infer(service, {"image": [BLUE]})[0].label == "blue"


def test_loading_starts_no_process_but_the_instances(
    install: Installer, inference: TritonInference, triton: TritonProcess, repository: EntryRepository
) -> None:
    """One more, which completes the configuration, would be waited for without a limit: killed, it stops Triton."""
    service, stop = install("colours", load=2), threading.Event()
    seen = set(triton.stubs(f"{service}/"))

    def watch() -> None:
        while not stop.wait(0.005):
            seen.update(triton.stubs(f"{service}/"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        repository.refresh(service)
        inference.load(service)
    finally:
        stop.set()
        watcher.join()
    assert len(seen) == 4, "two instances before, and two after"


def test_triton_killed_comes_back_empty_and_loads_again(
    install: Installer, inference: TritonInference, triton: TritonProcess
) -> None:
    service = install("colours")
    triton.kill()
    with pytest.raises(Unavailable) as caught:
        inference.infer(service, {"image": [RED]})
    assert caught.value.reason == "TRITON_UNAVAILABLE"
    triton.start()
    eventually(inference.is_live)
    assert inference.states()[service] is ModelState.ABSENT
    with pytest.raises(Unavailable) as absent:
        inference.infer(service, {"image": [RED]})
    assert absent.value.reason == "MODEL_NOT_LOADED"
    inference.load(service)
    assert inference.infer(service, {"image": [BLUE]})[0].label == "blue"
