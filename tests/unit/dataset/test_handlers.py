"""The use cases with fakes behind the ports."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from services.dataset import handlers
from services.dataset.domain import Dataset, Purpose, State, TestSetMode
from services.dataset.ports import DatasetFilter
from services.kernel.context import Caller, acting_as
from services.kernel.entity import Visibility
from services.kernel.errors import (
    AlreadyExists,
    Conflict,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Unavailable,
)
from services.kernel.storage.blobs import read_blob
from tests.fakes.dataset import FakeDatasetPorts
from tests.support.archives import png_bytes, tar_bytes, zip_bytes

ANN, BOB = Caller("ann", "Ann"), Caller("bob", "Bob")
ADMIN = Caller("root", "Root", frozenset({"admin"}))
SCHEMA = Path(__file__).parents[3] / "services/algorithm/sdk/schemas/dataset-v1.schema.json"
TEXTS = {f"{name}/{at}.txt": f"{name} {at}".encode() for name in ("art", "law") for at in range(10)}
IMAGES = {f"{name}/{at}.png": png_bytes(at) for name in "01" for at in range(10)}


@pytest.fixture
def fakes() -> Iterator[FakeDatasetPorts]:
    with acting_as(ANN):
        yield FakeDatasetPorts()


def never() -> bool:
    return False


def created(
    fakes: FakeDatasetPorts,
    name: str = "news",
    level1: str = "text",
    mode: TestSetMode = TestSetMode.RATIO,
    layout: str = "dir",
) -> Dataset:
    command = handlers.CreateDataset(name, Purpose(level1, "classification"), layout, test_set_mode=mode)
    return handlers.create_dataset(command, fakes.ports)


def started(fakes: FakeDatasetPorts, dataset: Dataset, content: bytes, test: bytes = b"") -> Dataset:
    upload = fakes.upload(content, owner="ann")
    test_upload = fakes.upload(test, owner="ann", filename="test.zip") if test else ""
    return handlers.import_dataset(handlers.ImportDataset(dataset.id, upload, test_upload), fakes.ports)


def imported(fakes: FakeDatasetPorts, dataset: Dataset, content: bytes, test: bytes = b"") -> Dataset:
    started(fakes, dataset, content, test)
    return handlers.run_import(fakes.jobs.newest(), fakes.ports, never)


def reasons(dataset: Dataset) -> Counter[str]:
    return Counter(problem.reason for problem in dataset.problems)


def test_create_belongs_to_the_caller(fakes: FakeDatasetPorts) -> None:
    dataset = created(fakes)
    assert (dataset.owner, dataset.state, dataset.visibility) == ("ann", State.DRAFT, Visibility.PRIVATE)
    with pytest.raises(AlreadyExists):
        created(fakes)
    with acting_as(BOB):
        created(fakes)


def test_others_do_not_see_what_is_private(fakes: FakeDatasetPorts) -> None:
    dataset = created(fakes)
    with acting_as(BOB):
        with pytest.raises(NotFound):
            handlers.get_dataset(dataset.id, fakes.ports)
        assert handlers.list_datasets(DatasetFilter(), 0, "", fakes.ports).items == []
        with pytest.raises(NotFound):
            handlers.delete_dataset(dataset.id, "", fakes.ports)
    change = handlers.UpdateDataset(dataset.id, "", handlers.DatasetChange(visibility=Visibility.PUBLIC))
    handlers.update_dataset(change, fakes.ports)
    with acting_as(BOB):
        assert handlers.get_dataset(dataset.id, fakes.ports).name == "news"
        with pytest.raises(PermissionDenied):
            handlers.update_dataset(change, fakes.ports)


def test_only_administrators_make_presets(fakes: FakeDatasetPorts) -> None:
    dataset = created(fakes)
    change = handlers.UpdateDataset(dataset.id, "", handlers.DatasetChange(visibility=Visibility.PRESET))
    with pytest.raises(PermissionDenied):
        handlers.update_dataset(change, fakes.ports)
    with acting_as(ADMIN):
        assert handlers.update_dataset(change, fakes.ports).visibility is Visibility.PRESET


def test_update_checks_etag_and_name(fakes: FakeDatasetPorts) -> None:
    dataset = created(fakes)
    with pytest.raises(Conflict):
        handlers.update_dataset(handlers.UpdateDataset(dataset.id, "99", handlers.DatasetChange("x")), fakes.ports)
    with pytest.raises(InvalidArgument):
        handlers.update_dataset(handlers.UpdateDataset(dataset.id, "", handlers.DatasetChange("9")), fakes.ports)
    changed = handlers.update_dataset(
        handlers.UpdateDataset(dataset.id, dataset.etag, handlers.DatasetChange(description="titles")), fakes.ports
    )
    assert (changed.name, changed.description) == ("news", "titles")


@pytest.mark.parametrize("pack", [zip_bytes, tar_bytes])
def test_import_makes_a_version_with_what_was_uploaded(fakes: FakeDatasetPorts, pack) -> None:  # type: ignore[no-untyped-def]
    dataset = created(fakes)
    assert started(fakes, dataset, pack(TEXTS)).state is State.IMPORTING
    done = handlers.run_import(fakes.jobs.newest(), fakes.ports, never)
    assert done.state is State.IMPORTED
    assert done.current is not None
    assert [(count.name, count.train, count.test) for count in done.current.classes] == [("art", 10, 0), ("law", 10, 0)]
    assert fakes.datasets.events == ["created", "import_started", "imported"]
    assert fakes.jobs.ended == {"job-1": "done"}
    assert not list(fakes.store.list("uploads/")), "the upload is removed"
    page = handlers.list_samples(handlers.SampleQuery(dataset.id, "law", 3), fakes.ports)
    assert [sample.excerpt for sample in page.items] == ["law 0", "law 1", "law 2"]
    assert (page.total_size, page.items[0].path) == (10, "samples/law/0.txt")


def test_samples_are_paged_to_the_end(fakes: FakeDatasetPorts) -> None:
    dataset = imported(fakes, created(fakes), zip_bytes(TEXTS))
    token, seen = "", []
    while True:
        page = handlers.list_samples(handlers.SampleQuery(dataset.id, "", 7, token), fakes.ports)
        seen += [sample.path for sample in page.items]
        token = page.next_page_token
        if not token:
            break
    assert seen == [f"samples/{path}" for path in TEXTS]
    first = handlers.list_samples(handlers.SampleQuery(dataset.id, "", 7), fakes.ports)
    with pytest.raises(InvalidArgument):
        handlers.list_samples(handlers.SampleQuery(dataset.id, "art", 7, first.next_page_token), fakes.ports)


def test_a_sample_is_read_with_a_type_that_no_browser_runs(fakes: FakeDatasetPorts) -> None:
    dataset = created(fakes)
    with pytest.raises(NotFound):
        handlers.read_sample(dataset.id, "samples/law/0.txt", fakes.ports)
    imported(fakes, dataset, zip_bytes(TEXTS))
    kind, content = handlers.read_sample(dataset.id, "samples/law/0.txt", fakes.ports)
    assert (kind, content) == ("text/plain; charset=utf-8", TEXTS["law/0.txt"])
    with pytest.raises(NotFound):
        handlers.read_sample(dataset.id, "samples/law/none.txt", fakes.ports)
    assert not {kind for kind in handlers.CONTENT_TYPES.values() if "html" in kind or "svg" in kind or "script" in kind}
    with acting_as(Caller("usr-stranger")), pytest.raises(NotFound):
        handlers.read_sample(dataset.id, "samples/law/0.txt", fakes.ports)


def test_images_are_imported_and_all_broken_ones_are_listed(fakes: FakeDatasetPorts) -> None:
    dataset = created(fakes, level1="image")
    done = imported(fakes, dataset, zip_bytes(IMAGES))
    assert done.state is State.IMPORTED
    broken = IMAGES | {"0/x.png": b"no image", "0/y.png": b"", "1/z.png": png_bytes(size=(40, 40))[:50]}
    done = imported(fakes, dataset, zip_bytes(broken))
    assert done.state is State.FAILED
    assert {problem.file: problem.reason for problem in done.problems} == {
        "0/x.png": "IMAGE_UNDECODABLE",
        "0/y.png": "SAMPLE_EMPTY",
        "1/z.png": "IMAGE_UNDECODABLE",
    }
    assert done.current is not None
    assert done.current.number == 1, "the version before stays"
    assert fakes.datasets.events[-1] == "import_failed"


def test_hundreds_of_problems_are_counted(fakes: FakeDatasetPorts) -> None:
    files = {f"{name}/{at}.txt": b"" for name in "ab" for at in range(150)}
    done = imported(fakes, created(fakes), zip_bytes(files))
    assert (len(done.problems), done.problem_count) == (100, 300)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a/1.txt": b"x", "a/2.txt": b"y", "b/1.txt": b"z"}, {"CLASS_TOO_SMALL": 1}),
        ({"a/1.txt": b"x", "a/2.txt": b"y"}, {"TOO_FEW_CLASSES": 1}),
        ({"1.txt": b"x"}, {"FILE_BESIDE_CLASSES": 1, "TOO_FEW_CLASSES": 1}),
        ({"../1.txt": b"x"}, {"PATH_TRAVERSAL": 1}),
    ],
)
def test_bad_archives_fail_with_all_their_problems(
    fakes: FakeDatasetPorts, files: dict[str, bytes], expected: dict[str, int]
) -> None:
    done = imported(fakes, created(fakes), zip_bytes(files))
    assert (done.state, reasons(done)) == (State.FAILED, expected)
    assert fakes.jobs.ended["job-1"].endswith("problems")
    assert not list(fakes.store.list("")), "nothing is left behind"


def test_a_class_with_one_sample_is_told_in_words(fakes: FakeDatasetPorts) -> None:
    done = imported(fakes, created(fakes), zip_bytes({**TEXTS, "odd/1.txt": b"x"}))
    assert done.problems[0].message == "class `odd` has 1 sample, at least 2 are needed so that one can be tested"


@pytest.mark.parametrize("content", [b"just a text", zip_bytes(TEXTS)[:-30], b""])
def test_what_is_no_archive_fails(fakes: FakeDatasetPorts, content: bytes) -> None:
    done = imported(fakes, created(fakes), content)
    assert done.state is State.FAILED
    assert done.problems[0].file == "data.zip"


def test_independent_test_archives(fakes: FakeDatasetPorts) -> None:
    dataset = created(fakes, mode=TestSetMode.INDEPENDENT)
    done = imported(fakes, dataset, zip_bytes(TEXTS), zip_bytes({"art/1.txt": b"t", "law/2.txt": b"u"}))
    assert done.current is not None
    assert (done.current.train_samples, done.current.test_samples) == (20, 2)
    handlers.online_dataset(dataset.id, "", fakes.ports)
    data = handlers.prepare_training_data(handlers.PrepareTrainingData(dataset.id), fakes.ports)
    assert (data.train_samples, data.test_samples) == (20, 2)
    handlers.offline_dataset(dataset.id, "", fakes.ports)
    done = imported(fakes, dataset, zip_bytes(TEXTS), zip_bytes({"sport/1.txt": b"t"}))
    assert reasons(done) == {"CLASS_UNKNOWN": 1}


def test_imports_are_refused_before_they_begin(fakes: FakeDatasetPorts) -> None:
    dataset = created(fakes)
    with pytest.raises(NotFound):
        handlers.import_dataset(handlers.ImportDataset(dataset.id, "up-99"), fakes.ports)
    foreign = fakes.upload(zip_bytes(TEXTS), owner="bob")
    with pytest.raises(NotFound) as caught:
        handlers.import_dataset(handlers.ImportDataset(dataset.id, foreign), fakes.ports)
    assert caught.value.reason == "UPLOAD_NOT_FOUND"
    other = created(fakes, "other", layout="brat_ann")
    own = fakes.upload(zip_bytes(TEXTS), owner="ann")
    with pytest.raises(FailedPrecondition) as refused:
        handlers.import_dataset(handlers.ImportDataset(other.id, own), fakes.ports)
    assert refused.value.reason == "FORMAT_UNSUPPORTED"
    assert fakes.jobs.orders == {}


def test_an_upload_that_is_gone_fails_the_import(fakes: FakeDatasetPorts) -> None:
    started(fakes, created(fakes), zip_bytes(TEXTS))
    fakes.store.objects.clear()
    assert reasons(handlers.run_import(fakes.jobs.newest(), fakes.ports, never)) == {"UPLOAD_GONE": 1}


def test_a_server_that_is_away_does_not_fail_the_import(fakes: FakeDatasetPorts) -> None:
    dataset = started(fakes, created(fakes), zip_bytes(TEXTS))
    fakes.store.away = True
    with pytest.raises(Unavailable):
        handlers.run_import(fakes.jobs.newest(), fakes.ports, never)
    fakes.store.away = False
    assert fakes.datasets.get(dataset.id).state is State.IMPORTING
    assert handlers.run_import(fakes.jobs.newest(), fakes.ports, never).state is State.IMPORTED


def test_a_worker_that_lost_its_claim_shows_nothing(fakes: FakeDatasetPorts) -> None:
    dataset = started(fakes, created(fakes), zip_bytes(TEXTS))
    fakes.jobs.lost = True
    with pytest.raises(Conflict):
        handlers.run_import(fakes.jobs.newest(), fakes.ports, never)
    assert fakes.datasets.get(dataset.id).state is State.IMPORTING
    assert fakes.versions.stored == {}
    with pytest.raises(handlers.ImportCancelled):
        handlers.run_import(fakes.jobs.newest(), fakes.ports, lambda: True)


def test_an_import_that_runs_twice_ends_once(fakes: FakeDatasetPorts) -> None:
    started(fakes, created(fakes), zip_bytes(TEXTS))
    job = fakes.jobs.newest()
    handlers.run_import(job, fakes.ports, never)
    again = handlers.run_import(job, fakes.ports, never)
    assert again.versions == 1
    assert fakes.datasets.events.count("imported") == 1


def test_an_import_whose_workers_die_is_given_up(fakes: FakeDatasetPorts) -> None:
    started(fakes, created(fakes), zip_bytes(TEXTS))
    done = handlers.give_up_import(fakes.jobs.newest(), 6, fakes.ports)
    assert (done.state, reasons(done)) == (State.FAILED, {"IMPORT_INTERRUPTED": 1})


def test_training_data_is_split_and_repeatable(fakes: FakeDatasetPorts) -> None:
    dataset = imported(fakes, created(fakes), zip_bytes(TEXTS))
    query = handlers.PrepareTrainingData(dataset.id, train_share=0.8, seed=7)
    with pytest.raises(FailedPrecondition):
        handlers.prepare_training_data(query, fakes.ports)
    handlers.online_dataset(dataset.id, "", fakes.ports)
    data = handlers.prepare_training_data(query, fakes.ports)
    assert data == handlers.prepare_training_data(query, fakes.ports)
    manifest = json.loads(read_blob(fakes.store, data.manifest))
    jsonschema.validate(manifest, json.loads(SCHEMA.read_text()))
    assert (manifest["format"], manifest["kind"], manifest["classes"]) == ("modelyard/1", "text", ["art", "law"])
    counts = Counter((sample["class"], sample["split"]) for sample in manifest["samples"])
    assert counts == {("art", "train"): 8, ("art", "test"): 2, ("law", "train"): 8, ("law", "test"): 2}
    assert (data.train_samples, data.test_samples, data.kind, data.version) == (16, 4, "text", 1)
    other = handlers.prepare_training_data(handlers.PrepareTrainingData(dataset.id, 0, 0.8, 8), fakes.ports)
    assert other.manifest != data.manifest
    with acting_as(BOB), pytest.raises(NotFound):
        handlers.prepare_training_data(query, fakes.ports)


def test_older_versions_can_still_be_trained(fakes: FakeDatasetPorts) -> None:
    dataset = imported(fakes, created(fakes), zip_bytes(TEXTS))
    imported(fakes, dataset, zip_bytes({**TEXTS, "art/more.txt": b"more"}))
    handlers.online_dataset(dataset.id, "", fakes.ports)
    first = handlers.prepare_training_data(handlers.PrepareTrainingData(dataset.id, 1, 0.5), fakes.ports)
    newest = handlers.prepare_training_data(handlers.PrepareTrainingData(dataset.id, 0, 0.5), fakes.ports)
    assert (first.version, first.train_samples + first.test_samples) == (1, 20)
    assert (newest.version, newest.train_samples + newest.test_samples) == (2, 21)
    with pytest.raises(NotFound):
        handlers.prepare_training_data(handlers.PrepareTrainingData(dataset.id, 3, 0.5), fakes.ports)


def test_delete_removes_versions_too(fakes: FakeDatasetPorts) -> None:
    dataset = imported(fakes, created(fakes), zip_bytes(TEXTS))
    handlers.delete_dataset(dataset.id, "", fakes.ports)
    assert (fakes.datasets.stored, fakes.versions.stored) == ({}, {})
    assert fakes.datasets.events[-1] == "deleted"


def test_progress_is_told_in_its_phases(fakes: FakeDatasetPorts) -> None:
    imported(fakes, created(fakes), zip_bytes(TEXTS))
    assert fakes.datasets.progress[0].phase == "reading"
