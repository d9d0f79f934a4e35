"""Data sets and their versions in MongoDB."""

from typing import ClassVar

from services.dataset.domain import Dataset, ImportProgress, State, VersionRecord
from services.dataset.messages import dataset_message
from services.dataset.ports import DatasetFilter
from services.kernel.pages import Page
from services.kernel.rights import visible_query
from services.kernel.storage.documents import AggregateDocument, Repository, require_etag
from services.kernel.storage.mongo import collection_of


class DatasetDocument(AggregateDocument):
    meta: ClassVar[dict[str, object]] = {
        "collection": "datasets",
        "indexes": [
            {"fields": ["project", "owner", "name"], "unique": True},
            ("visibility", "online"),
            "state",
        ],
    }


class DatasetVersionDocument(AggregateDocument):
    meta: ClassVar[dict[str, object]] = {"collection": "dataset_versions", "indexes": ["dataset"]}


class DatasetRepository(Repository[Dataset]):
    def __init__(self) -> None:
        super().__init__(DatasetDocument, Dataset, aggregate="dataset", snapshot=dataset_message)

    def get_for_change(self, dataset_id: str, etag: str) -> Dataset:
        dataset = self.get(dataset_id)
        require_etag(dataset, etag)
        return dataset

    def listed(self, wanted: DatasetFilter, page_size: int, page_token: str) -> Page[Dataset]:
        query = visible_query()
        if wanted.state is not None:
            query["state"] = wanted.state
        if wanted.online:
            query["online"] = True
        if wanted.purpose:
            query["purpose.level1"] = wanted.purpose
        return self.page(query, page_size=page_size, page_token=page_token)

    def note_progress(self, dataset_id: str, import_id: str, progress: ImportProgress) -> None:
        collection_of(DatasetDocument).update_one(
            {"_id": dataset_id, "state": State.IMPORTING.value, "import_id": import_id},
            {"$set": {"import_progress": progress.__dict__}},
        )


class VersionRepository(Repository[VersionRecord]):
    def __init__(self) -> None:
        super().__init__(DatasetVersionDocument, VersionRecord, aggregate="dataset_version", snapshot=None)

    def delete_of(self, dataset_id: str) -> None:
        collection_of(DatasetVersionDocument).delete_many({"dataset": dataset_id})
