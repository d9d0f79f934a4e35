"""Imports through the service's own processes, on real servers."""

import json
import subprocess
import threading
import time
from hashlib import sha256
from pathlib import Path

import pytest

from protos.dataset.v1 import dataset_pb2
from services.dataset.adapters.wakeup import listen
from services.kernel.context import Caller, acting_as
from services.kernel.errors import FailedPrecondition, NotFound
from services.kernel.storage.blobs import read_blob
from services.kernel.storage.bundles import BundleRef, read_file
from tests.integration.dataset.conftest import DatasetClient, running_worker
from tests.support.archives import png_bytes, tar_bytes, zip_bytes
from tests.support.polling import eventually
from tests.support.servers import Servers
from tests.support.service_process import settings_of

IMPORTED, FAILED = dataset_pb2.Dataset.STATE_IMPORTED, dataset_pb2.Dataset.STATE_FAILED
DIGITS = {f"digits/{at % 10}/{at}.png": png_bytes(at % 256) for at in range(300)}
TITLES = {f"class{at % 10}/{at}.txt": f"第 {at} 条新闻标题".encode() for at in range(10_000)}


def test_the_broker_wakes_the_worker(datasets: DatasetClient, servers: Servers) -> None:
    wake, stop = threading.Event(), threading.Event()
    listener = threading.Thread(target=listen, args=(settings_of(servers), wake, stop))
    listener.start()
    try:
        assert wake.wait(20), "it looks once when it has connected"
        wake.clear()
        dataset = datasets.create("image")
        datasets.start_import(dataset.id, datasets.upload(zip_bytes(DIGITS)))
        assert wake.wait(20)
    finally:
        stop.set()
        listener.join(10)
    assert not listener.is_alive()


def test_digits_from_folders_to_training_data(
    datasets: DatasetClient, worker: "subprocess.Popen[bytes]", capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = datasets.create("image")
    began = time.monotonic()
    datasets.start_import(dataset.id, datasets.upload(tar_bytes(DIGITS, compressed=True), "digits.tar.gz"))
    done = datasets.ended(dataset.id)
    with capsys.disabled():
        print(f"\n300 images imported in {time.monotonic() - began:.1f} s")
    assert (done.state, done.problem_count) == (IMPORTED, 0)
    assert (done.version.number, done.version.train_samples, len(done.version.classes)) == (1, 300, 10)
    samples = datasets.rpc.ListSamples(dataset_pb2.ListSamplesRequest(id=dataset.id, class_name="3", page_size=5))
    parts = list(datasets.rpc.ReadSample(dataset_pb2.ReadSampleRequest(id=dataset.id, path=samples.samples[0].path)))
    assert parts[0].content_type == "image/png"
    assert sha256(b"".join(part.data for part in parts)).hexdigest() == samples.samples[0].sha256
    assert samples.total_size == 30
    assert {sample.class_name for sample in samples.samples} == {"3"}
    bundle = done.version.bundle
    content = read_file(datasets.store, BundleRef(bundle.index, bundle.files, bundle.bytes), "samples/3/3.png")
    assert content == DIGITS["digits/3/3.png"]

    prepare = dataset_pb2.PrepareTrainingDataRequest(id=dataset.id, train_share=0.9, seed=1)
    with pytest.raises(FailedPrecondition):
        datasets.rpc.PrepareTrainingData(prepare)
    datasets.rpc.OnlineDataset(dataset_pb2.OnlineDatasetRequest(id=dataset.id))
    data = datasets.rpc.PrepareTrainingData(prepare)
    assert (data.kind, data.train_samples, data.test_samples) == ("image", 270, 30)
    manifest = json.loads(read_blob(datasets.store, data.manifest))
    assert len(manifest["samples"]) == 300
    assert datasets.rpc.PrepareTrainingData(prepare) == data
    with acting_as(Caller("bob")), pytest.raises(NotFound):
        datasets.rpc.PrepareTrainingData(prepare)
    assert datasets.events(dataset.id) == [
        "dataset.created",
        "dataset.import_started",
        "dataset.imported",
        "dataset.onlined",
    ]


def test_ten_thousand_texts(
    datasets: DatasetClient, worker: "subprocess.Popen[bytes]", capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = datasets.create("text", dataset_pb2.Dataset.TEST_SET_MODE_INDEPENDENT)
    train, test = datasets.upload(zip_bytes(TITLES)), datasets.upload(zip_bytes(dict(list(TITLES.items())[:500])))
    began = time.monotonic()
    datasets.start_import(dataset.id, train, test)
    done = datasets.ended(dataset.id)
    seconds = time.monotonic() - began
    with capsys.disabled():
        print(f"\n10 500 texts imported in {seconds:.1f} s")
    assert done.state == IMPORTED
    assert (done.version.train_samples, done.version.test_samples) == (10_000, 500)
    eventually(lambda: not list(datasets.store.list(f"uploads/{train}/")), 10)


def test_a_failed_import_lists_its_problems(datasets: DatasetClient, worker: "subprocess.Popen[bytes]") -> None:
    dataset = datasets.create("image")
    broken = {**DIGITS, "digits/4/broken.png": b"no image", "digits/5/empty.png": b"", "digits/notes.txt": b"x"}
    datasets.start_import(dataset.id, datasets.upload(zip_bytes(broken)))
    done = datasets.ended(dataset.id)
    assert (done.state, done.problem_count, done.HasField("version")) == (FAILED, 3, False)
    assert {problem.file: problem.reason for problem in done.problems} == {
        "digits/notes.txt": "FILE_BESIDE_CLASSES",
        "digits/4/broken.png": "IMAGE_UNDECODABLE",
        "digits/5/empty.png": "SAMPLE_EMPTY",
    }
    assert all(problem.expected for problem in done.problems)
    assert datasets.events(dataset.id)[-1] == "dataset.import_failed"

    datasets.start_import(dataset.id, datasets.upload(b"a text, no archive", "digits.zip"))
    done = datasets.ended(dataset.id)
    assert "is not a zip archive: it begins with “a text, no archive”" in done.problems[0].message
    datasets.start_import(dataset.id, datasets.upload(zip_bytes(DIGITS)))
    done = datasets.ended(dataset.id)
    assert (done.state, done.version.number, len(done.problems)) == (IMPORTED, 1, 0)


def test_watching_an_import(datasets: DatasetClient, servers: Servers, tmp_path: Path) -> None:
    dataset = datasets.create("text")
    stream = datasets.rpc.WatchDataset(dataset_pb2.WatchDatasetRequest(id=dataset.id))
    seen = [next(stream)]
    datasets.start_import(dataset.id, datasets.upload(zip_bytes(TITLES)))
    with running_worker(servers, tmp_path):
        for now in stream:
            seen.append(now)
            if now.state in (IMPORTED, FAILED):
                break
    stream.cancel()
    assert seen[0].state == dataset_pb2.Dataset.STATE_DRAFT
    assert seen[-1].state == IMPORTED
    assert {"checking", "storing"} & {now.import_progress.phase for now in seen}
    assert any(0 < now.import_progress.files_done < 10_000 for now in seen)


def test_a_worker_that_is_killed_is_followed_by_another(
    datasets: DatasetClient, servers: Servers, tmp_path: Path
) -> None:
    dataset = datasets.create("text")
    datasets.start_import(dataset.id, datasets.upload(zip_bytes(TITLES)))
    with running_worker(servers, tmp_path) as first:
        eventually(lambda: datasets.get(dataset.id).import_progress.files_done > 1000, 60, interval=0.02)
        first.kill()
        first.wait()
    assert datasets.get(dataset.id).state == dataset_pb2.Dataset.STATE_IMPORTING
    with running_worker(servers, tmp_path):
        done = datasets.ended(dataset.id, timeout=90)
        scratch = Path(servers.environment["MODELYARD_HOME"]) / "work" / "dataset"
        eventually(lambda: len(list(scratch.iterdir())) <= 2, 10)
    assert (done.state, done.version.number, done.version.train_samples) == (IMPORTED, 1, 10_000)
    assert datasets.events(dataset.id).count("dataset.imported") == 1
    (job,) = datasets.database["jobs"].find({"subject": dataset.id})
    assert (job["state"], job["attempts"]) == ("done", 2)


def test_a_job_whose_data_set_is_gone_ends(datasets: DatasetClient, servers: Servers, tmp_path: Path) -> None:
    dataset = datasets.create("text")
    datasets.start_import(dataset.id, datasets.upload(zip_bytes({"a/1.txt": b"x"})))
    datasets.database["datasets"].delete_one({"_id": dataset.id})
    with running_worker(servers, tmp_path):
        eventually(lambda: (datasets.database["jobs"].find_one({"subject": dataset.id}) or {})["state"] == "failed", 60)


def test_a_worker_that_is_stopped_gives_its_import_back_at_once(
    datasets: DatasetClient, servers: Servers, tmp_path: Path
) -> None:
    dataset = datasets.create("text")
    datasets.start_import(dataset.id, datasets.upload(zip_bytes(TITLES)))
    with running_worker(servers, tmp_path):
        eventually(lambda: datasets.get(dataset.id).import_progress.files_done > 1000, 60, interval=0.02)
    (job,) = datasets.database["jobs"].find({"subject": dataset.id})
    assert job["state"] == "pending"
    with running_worker(servers, tmp_path):
        assert datasets.ended(dataset.id).state == IMPORTED
