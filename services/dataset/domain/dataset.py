"""The data set: its state, its versions, and what may be done when."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from services.dataset.domain.purpose import Purpose
from services.kernel.entity import Entity, Visibility, utc_now
from services.kernel.errors import FailedPrecondition, InvalidArgument
from services.kernel.problems import Problem, Problems
from services.kernel.values import BundleRef

_NAME = re.compile(r"[A-Za-z]([A-Za-z0-9_-]*[A-Za-z0-9])?", re.ASCII)
MAX_NAME = 60
MAX_DESCRIPTION = 2000


class State(StrEnum):
    DRAFT = "draft"
    IMPORTING = "importing"
    IMPORTED = "imported"
    FAILED = "failed"


class AnnotationMode(StrEnum):
    CLASSIFICATION = "classification"
    POSITION = "position"
    SPAN = "span"
    NONE = "none"


class TestSetMode(StrEnum):
    """Where test samples come from: a share of the samples, or an archive of its own."""

    __test__ = False  # not a test case

    RATIO = "ratio"
    INDEPENDENT = "independent"


@dataclass(frozen=True)
class ClassCount:
    """How many samples of a class there are."""

    name: str
    train: int
    test: int


@dataclass(frozen=True)
class DatasetVersion:
    """What an import produced; never changes. Numbers begin at 1."""

    number: int
    bundle: BundleRef
    classes: tuple[ClassCount, ...]
    created_at: datetime = field(default_factory=utc_now)

    @property
    def train_samples(self) -> int:
        return sum(count.train for count in self.classes)

    @property
    def test_samples(self) -> int:
        return sum(count.test for count in self.classes)


@dataclass(kw_only=True)
class VersionRecord(Entity):
    """A version on its own, so that it is found after newer ones came."""

    dataset: str
    content: DatasetVersion

    @staticmethod
    def key(dataset_id: str, number: int) -> str:
        return f"{dataset_id}.v{number}"


@dataclass(frozen=True)
class ProductionEnvironment:
    """Where in production the data comes from: one factory, plant and station, and any number of products."""

    factory: str = ""
    plant: str = ""
    station: str = ""
    products: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImportProgress:
    """How far an import is; `phase` is `reading`, `checking` or `storing`."""

    phase: str = ""
    files_done: int = 0
    files_total: int = 0
    bytes_done: int = 0


@dataclass(kw_only=True)
class Dataset(Entity):
    """A data set. `current` is the version in use, `import_id` the job of the import that runs or ran last."""

    name: str
    purpose: Purpose
    format: str
    description: str = ""
    annotation_mode: AnnotationMode = AnnotationMode.CLASSIFICATION
    test_set_mode: TestSetMode = TestSetMode.RATIO
    production_environment: ProductionEnvironment | None = None
    state: State = State.DRAFT
    online: bool = False
    current: DatasetVersion | None = None
    versions: int = 0
    import_id: str = ""
    import_progress: ImportProgress | None = None
    problems: list[Problem] = field(default_factory=list)
    problem_count: int = 0

    @property
    def kind(self) -> str:
        """Of the samples: `image` or `text`."""
        return self.purpose.level1

    @classmethod
    def create(cls, dataset: "Dataset") -> "Dataset":
        """Check a new data set and record that it was created. Raises InvalidArgument."""
        _check_name(dataset.name)
        _check_description(dataset.description)
        dataset.happened("created")
        return dataset

    def change(
        self,
        *,
        name: str | None = None,
        description: str | None = None,
        visibility: Visibility | None = None,
        production_environment: ProductionEnvironment | None = None,
    ) -> None:
        """Give new values to those that are not None."""
        if name is not None:
            _check_name(name)
            self.name = name
        if description is not None:
            _check_description(description)
            self.description = description
        if visibility is not None:
            self.visibility = visibility
        if production_environment is not None:
            self.production_environment = production_environment
        self.happened("updated")

    def check_uploads(self, test_upload_id: str) -> None:
        """A test archive is given exactly when test samples come from one."""
        independent = self.test_set_mode is TestSetMode.INDEPENDENT
        if independent and not test_upload_id:
            raise InvalidArgument.field(
                "test_upload_id",
                f"the test-set mode of {self.name} is `independent`, so an upload with the test samples is needed",
                reason="TEST_UPLOAD_MISSING",
            )
        if test_upload_id and not independent:
            raise InvalidArgument.field(
                "test_upload_id",
                f"the test-set mode of {self.name} is `ratio`, so it takes no test archive",
                reason="TEST_UPLOAD_UNEXPECTED",
            )

    def start_import(self, import_id: str) -> None:
        if self.online:
            raise FailedPrecondition(f"{self.name} is online; take it offline to import.", reason="DATASET_ONLINE")
        self._refuse_importing("imports already; wait until that has ended")
        self.state = State.IMPORTING
        self.import_id = import_id
        self.import_progress = ImportProgress("reading")
        self.problems, self.problem_count = [], 0
        self.happened("import_started")

    def imports(self, import_id: str) -> bool:
        """Whether this import is the one that runs."""
        return self.state is State.IMPORTING and self.import_id == import_id

    def complete_import(self, bundle: BundleRef, classes: tuple[ClassCount, ...]) -> DatasetVersion:
        self._require_importing()
        self.versions += 1
        self.current = DatasetVersion(self.versions, bundle, classes)
        self.state = State.IMPORTED
        self.import_progress = None
        self.happened("imported")
        return self.current

    def fail_import(self, problems: Problems) -> None:
        """The version that was there before stays in use."""
        self._require_importing()
        self.state = State.FAILED
        self.import_progress = None
        self.problems, self.problem_count = list(problems.kept), problems.count
        self.happened("import_failed")

    def go_online(self) -> None:
        if self.online:
            raise FailedPrecondition(f"{self.name} is online already.", reason="DATASET_ONLINE")
        if self.state is not State.IMPORTED:
            raise FailedPrecondition(
                f"{self.name} is {self.state}; only a data set that is imported can go online.",
                reason="DATASET_NOT_IMPORTED",
            )
        self.online = True
        self.happened("onlined")

    def go_offline(self) -> None:
        self._require_online()
        self.online = False
        self.happened("offlined")

    def delete(self) -> None:
        if self.online:
            raise FailedPrecondition(f"{self.name} is online; take it offline to delete it.", reason="DATASET_ONLINE")
        self._refuse_importing("imports; wait until that has ended to delete it")
        self.happened("deleted")

    def version_in_use(self) -> DatasetVersion:
        """The current version of a data set that is online. Raises FailedPrecondition."""
        self._require_online()
        assert self.current is not None  # nothing goes online without a version
        return self.current

    def check_share(self, train_share: float) -> None:
        """A share is given exactly when the samples are to be split."""
        if self.test_set_mode is TestSetMode.RATIO and not 0 < train_share < 1:
            raise InvalidArgument.field(
                "train_share", f"a share between 0 and 1 is needed to split {self.name}", reason="TRAIN_SHARE_MISSING"
            )
        if self.test_set_mode is TestSetMode.INDEPENDENT and train_share:
            raise InvalidArgument.field(
                "train_share",
                f"{self.name} has test samples of its own, so leave it 0",
                reason="TRAIN_SHARE_UNEXPECTED",
            )

    def _require_online(self) -> None:
        if not self.online:
            raise FailedPrecondition(f"{self.name} is not online.", reason="DATASET_OFFLINE")

    def _require_importing(self) -> None:
        if self.state is not State.IMPORTING:
            raise FailedPrecondition(f"{self.name} is not importing.", reason="DATASET_NOT_IMPORTING")

    def _refuse_importing(self, told: str) -> None:
        if self.state is State.IMPORTING:
            raise FailedPrecondition(f"{self.name} {told}.", reason="DATASET_IMPORTING")


def _check_name(name: str) -> None:
    if len(name) > MAX_NAME or not _NAME.fullmatch(name):
        raise InvalidArgument.field(
            "dataset.name",
            f"at most {MAX_NAME} characters: a letter first, then letters, digits, `-` and `_`, a letter or digit last",
            reason="NAME_INVALID",
        )


def _check_description(description: str) -> None:
    if len(description) > MAX_DESCRIPTION:
        raise InvalidArgument.field("dataset.description", f"at most {MAX_DESCRIPTION} characters")
