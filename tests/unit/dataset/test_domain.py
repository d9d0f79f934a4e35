import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dataset.domain import PURPOSES, ClassCount, Dataset, Purpose, State, TestSetMode
from services.kernel.errors import DomainError, FailedPrecondition, InvalidArgument
from services.kernel.problems import KEPT, Problem, Problems
from services.kernel.values import BundleRef

CLASSES = (ClassCount("a", 2, 0), ClassCount("b", 3, 0))


def dataset(name: str = "digits", mode: TestSetMode = TestSetMode.RATIO) -> Dataset:
    return Dataset(
        id="ds-1", name=name, purpose=Purpose("image", "classification"), format="dir", owner="ann", test_set_mode=mode
    )


def imported(number: int = 1) -> Dataset:
    found = dataset()
    for at in range(number):
        found.start_import(f"job-{at}")
        found.complete_import(BundleRef(f"{at}" * 64, 5, 10), CLASSES)
    return found


@given(st.from_regex(r"[A-Za-z]([A-Za-z0-9_-]{0,58}[A-Za-z0-9])?", fullmatch=True))
def test_names_of_the_pattern_are_taken(name: str) -> None:
    assert Dataset.create(dataset(name)).pending == ["created"]


@given(st.text(max_size=70))
def test_other_names_are_refused(name: str) -> None:
    letters = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    digits = set("0123456789")
    good = (
        0 < len(name) <= 60
        and name[0] in letters
        and name[-1] in letters | digits
        and set(name) <= letters | digits | {"-", "_"}
    )
    if good:
        Dataset.create(dataset(name))
    else:
        with pytest.raises(InvalidArgument) as caught:
            Dataset.create(dataset(name))
        assert caught.value.violations[0].field == "dataset.name"


@pytest.mark.parametrize("name", ["a" * 61, "1a", "a-", "a_", "é", "a b", "名", "a\n", ""])
def test_names_that_are_nearly_right_are_refused(name: str) -> None:
    with pytest.raises(InvalidArgument):
        Dataset.create(dataset(name))


def test_purposes_have_two_levels() -> None:
    for level1, second in PURPOSES.items():
        for level2 in second:
            Purpose(level1, level2)
    with pytest.raises(InvalidArgument, match="classification, extraction, relation"):
        Purpose("text", "detection")
    with pytest.raises(InvalidArgument, match="image, text, video"):
        Purpose("smell", "classification")


def test_life_of_a_data_set() -> None:
    found = Dataset.create(dataset())
    found.start_import("job-1")
    assert found.state is State.IMPORTING
    assert found.imports("job-1")
    assert not found.imports("job-0")
    version = found.complete_import(BundleRef("0" * 64, 5, 10), CLASSES)
    assert (version.number, version.train_samples, version.test_samples) == (1, 5, 0)
    found.go_online()
    found.go_offline()
    found.delete()
    assert found.pending == ["created", "import_started", "imported", "onlined", "offlined", "deleted"]


def test_versions_are_numbered_and_a_failure_keeps_the_last() -> None:
    found = imported(2)
    assert found.current is not None
    assert found.current.number == 2
    found.start_import("job-9")
    problems = Problems()
    problems.add(Problem("is broken"))
    found.fail_import(problems)
    assert found.state is State.FAILED
    assert found.current.number == 2
    assert (found.problems[0].message, found.problem_count) == ("is broken", 1)
    found.start_import("job-10")
    assert found.problems == []
    assert found.complete_import(BundleRef("9" * 64, 1, 1), CLASSES).number == 3


def test_the_first_problems_are_kept_and_all_are_counted() -> None:
    problems, more = Problems(), Problems()
    for at in range(KEPT + 20):
        problems.add(Problem(str(at)))
        more.add(Problem(str(at)))
    problems.merge(more)
    assert (len(problems.kept), problems.count) == (KEPT, 2 * (KEPT + 20))


def online() -> Dataset:
    found = imported()
    found.go_online()
    return found


def importing() -> Dataset:
    found = dataset()
    found.start_import("job-1")
    return found


def failed() -> Dataset:
    found = importing()
    found.fail_import(Problems())
    return found


@pytest.mark.parametrize(
    ("make", "action", "reason"),
    [
        (dataset, Dataset.go_online, "DATASET_NOT_IMPORTED"),
        (importing, Dataset.go_online, "DATASET_NOT_IMPORTED"),
        (failed, Dataset.go_online, "DATASET_NOT_IMPORTED"),
        (online, Dataset.go_online, "DATASET_ONLINE"),
        (dataset, Dataset.go_offline, "DATASET_OFFLINE"),
        (online, lambda found: found.start_import("job-2"), "DATASET_ONLINE"),
        (importing, lambda found: found.start_import("job-2"), "DATASET_IMPORTING"),
        (online, Dataset.delete, "DATASET_ONLINE"),
        (importing, Dataset.delete, "DATASET_IMPORTING"),
        (imported, lambda found: found.fail_import(Problems()), "DATASET_NOT_IMPORTING"),
        (imported, Dataset.version_in_use, "DATASET_OFFLINE"),
    ],
)
def test_what_is_not_allowed_changes_nothing(make, action, reason) -> None:  # type: ignore[no-untyped-def]
    found = make()
    before = (found.state, found.online, list(found.pending), found.import_id)
    with pytest.raises(FailedPrecondition) as caught:
        action(found)
    assert caught.value.reason == reason
    assert (found.state, found.online, list(found.pending), found.import_id) == before


@pytest.mark.parametrize(
    ("mode", "test_upload", "reason"),
    [(TestSetMode.INDEPENDENT, "", "TEST_UPLOAD_MISSING"), (TestSetMode.RATIO, "up-2", "TEST_UPLOAD_UNEXPECTED")],
)
def test_a_test_archive_goes_with_the_mode(mode: TestSetMode, test_upload: str, reason: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        dataset(mode=mode).check_uploads(test_upload)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("mode", "share"), [(TestSetMode.RATIO, 0.0), (TestSetMode.RATIO, 1.0), (TestSetMode.INDEPENDENT, 0.5)]
)
def test_a_share_goes_with_the_mode(mode: TestSetMode, share: float) -> None:
    with pytest.raises(DomainError):
        dataset(mode=mode).check_share(share)
    dataset(mode=mode).check_share(0.5 if mode is TestSetMode.RATIO else 0.0)
