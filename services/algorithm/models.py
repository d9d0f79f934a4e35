"""Algorithms in MongoDB."""

from typing import ClassVar

from services.algorithm.domain import PLATFORM, Algorithm
from services.algorithm.messages import algorithm_message
from services.algorithm.ports import AlgorithmFilter
from services.kernel.pages import Page
from services.kernel.rights import visible_query
from services.kernel.storage.documents import AggregateDocument, Repository, require_etag


class AlgorithmDocument(AggregateDocument):
    meta: ClassVar[dict[str, object]] = {
        "collection": "algorithms",
        "indexes": [
            {"fields": ["project", "owner", "name"], "unique": True},
            ("visibility", "online"),
        ],
    }


class AlgorithmRepository(Repository[Algorithm]):
    def __init__(self) -> None:
        super().__init__(AlgorithmDocument, Algorithm, aggregate="algorithm", snapshot=algorithm_message)

    def get_for_change(self, algorithm_id: str, etag: str) -> Algorithm:
        algorithm = self.get(algorithm_id)
        require_etag(algorithm, etag)
        return algorithm

    def preset_named(self, name: str) -> Algorithm | None:
        return self.find_one(owner=PLATFORM, name=name)

    def listed(self, wanted: AlgorithmFilter, page_size: int, page_token: str) -> Page[Algorithm]:
        query = visible_query()
        if wanted.purpose:
            query["purpose.level1"] = wanted.purpose
        if wanted.online:
            query["online"] = True
        if wanted.name:
            query["name"] = wanted.name
        return self.page(query, page_size=page_size, page_token=page_token)
