"""Commands and queries about data sets themselves."""

from dataclasses import dataclass

from services.dataset.domain import AnnotationMode, Dataset, ProductionEnvironment, Purpose, TestSetMode
from services.dataset.ports import DatasetFilter, ImportOrder, Ports
from services.kernel.entity import Visibility
from services.kernel.errors import FailedPrecondition
from services.kernel.ids import new_id
from services.kernel.pages import Page
from services.kernel.rights import require_caller, require_may_give, require_owner, require_visible


@dataclass(frozen=True)
class CreateDataset:
    name: str
    purpose: Purpose
    format: str
    description: str = ""
    visibility: Visibility = Visibility.PRIVATE
    annotation_mode: AnnotationMode = AnnotationMode.CLASSIFICATION
    test_set_mode: TestSetMode = TestSetMode.RATIO
    production_environment: ProductionEnvironment | None = None


@dataclass
class DatasetChange:
    """New values; None leaves a field as it is."""

    name: str | None = None
    description: str | None = None
    visibility: Visibility | None = None
    production_environment: ProductionEnvironment | None = None


@dataclass(frozen=True)
class UpdateDataset:
    id: str
    etag: str
    change: DatasetChange


@dataclass(frozen=True)
class ImportDataset:
    id: str
    upload_id: str
    test_upload_id: str = ""


def create_dataset(command: CreateDataset, ports: Ports) -> Dataset:
    caller = require_caller()
    require_may_give(command.visibility)
    dataset = Dataset.create(
        Dataset(
            id=new_id("ds"),
            project=caller.project,
            owner=caller.user_id,
            visibility=command.visibility,
            name=command.name,
            description=command.description,
            purpose=command.purpose,
            format=command.format,
            annotation_mode=command.annotation_mode,
            test_set_mode=command.test_set_mode,
            production_environment=command.production_environment,
        )
    )
    ports.datasets.add(dataset)
    return dataset


def get_dataset(dataset_id: str, ports: Ports) -> Dataset:
    dataset = ports.datasets.get(dataset_id)
    require_visible(dataset)
    return dataset


def list_datasets(wanted: DatasetFilter, page_size: int, page_token: str, ports: Ports) -> Page[Dataset]:
    return ports.datasets.listed(wanted, page_size, page_token)


def update_dataset(command: UpdateDataset, ports: Ports) -> Dataset:
    dataset = _own(command.id, command.etag, ports)
    change = command.change
    require_may_give(change.visibility)
    dataset.change(
        name=change.name,
        description=change.description,
        visibility=change.visibility,
        production_environment=change.production_environment,
    )
    ports.datasets.save(dataset)
    return dataset


def delete_dataset(dataset_id: str, etag: str, ports: Ports) -> None:
    dataset = _own(dataset_id, etag, ports)
    dataset.delete()
    ports.versions.delete_of(dataset.id)
    ports.datasets.delete(dataset)


def import_dataset(command: ImportDataset, ports: Ports) -> Dataset:
    """Begin an import: the worker does it, this notes it together with the new state."""
    dataset = _own(command.id, "", ports)
    dataset.check_uploads(command.test_upload_id)
    found = ports.formats.find(dataset.format)
    if found is None or dataset.kind not in found.kinds:
        raise FailedPrecondition(
            f"Archives of the format `{dataset.format}` for the purpose `{dataset.kind}` cannot be imported yet.",
            reason="FORMAT_UNSUPPORTED",
        )
    for upload_id in filter(None, (command.upload_id, command.test_upload_id)):
        ports.uploads.find(upload_id)
    order = ImportOrder(dataset.id, command.upload_id, command.test_upload_id)
    dataset.start_import(ports.jobs.add(order))
    ports.datasets.save(dataset)
    return dataset


def online_dataset(dataset_id: str, etag: str, ports: Ports) -> Dataset:
    dataset = _own(dataset_id, etag, ports)
    dataset.go_online()
    ports.datasets.save(dataset)
    return dataset


def offline_dataset(dataset_id: str, etag: str, ports: Ports) -> Dataset:
    dataset = _own(dataset_id, etag, ports)
    dataset.go_offline()
    ports.datasets.save(dataset)
    return dataset


def _own(dataset_id: str, etag: str, ports: Ports) -> Dataset:
    dataset = ports.datasets.get_for_change(dataset_id, etag)
    require_owner(dataset)
    return dataset
