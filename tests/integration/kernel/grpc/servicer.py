"""A small service over a real database, behind the kernel's server."""

import asyncio
from collections.abc import AsyncIterator
from typing import NoReturn

from google.api import httpbody_pb2
from pymongo.errors import AutoReconnect

from protos.dataset.v1 import dataset_pb2
from services.kernel.context import current_caller, current_traceparent
from services.kernel.errors import Conflict, FieldViolation, InvalidArgument, NotFound
from services.kernel.ids import new_id
from services.kernel.storage import mongo

LONG_TEXT = "说明" * 20_000


class Datasets:
    """Stands for `DatasetService`; `description` says how a creation ends.

    `open` counts the streams that hold something, `closed_by` tells who was calling when one let go.
    """

    def __init__(self) -> None:
        self.open = 0
        self.closed_by: list[str] = []

    def effects(self) -> int:
        return mongo.database()["effects"].count_documents({})

    def CreateDataset(self, request: dataset_pb2.CreateDatasetRequest) -> dataset_pb2.Dataset:
        made = dataset_pb2.Dataset(id=new_id("ds"), name=request.dataset.name)
        mongo.database()["effects"].insert_one({"_id": made.id})
        match request.dataset.description:
            case "refuse":
                raise Conflict("No.", reason="REFUSED", metadata={"k": "v"})
            case "crash":
                raise RuntimeError("secret: the password is 1234")
            case "long":
                violations = [FieldViolation(f"dataset.field{at}", LONG_TEXT) for at in range(100)]
                raise InvalidArgument(LONG_TEXT, violations=violations, metadata={"k": LONG_TEXT})
            case "surrogate":
                raise InvalidArgument("a half character: \ud800")
        return made

    def GetDataset(self, request: dataset_pb2.GetDatasetRequest) -> dataset_pb2.Dataset:
        if request.id == "cut":
            raise AutoReconnect("connection closed")
        if request.id != "caller":
            raise NotFound(f"There is no {request.id}.")
        return dataset_pb2.Dataset(owner=current_caller().user_id, description=current_traceparent())

    async def WatchDataset(self, request: dataset_pb2.WatchDatasetRequest) -> AsyncIterator[dataset_pb2.Dataset]:
        """`wait` tells once and then waits, `flood` never pauses, `crash` fails after the first."""
        self.open += 1
        try:
            await asyncio.to_thread(lambda: None)
            yield dataset_pb2.Dataset(owner=current_caller().user_id)
            if request.id == "crash":
                raise RuntimeError("secret: the password is 1234")
            while request.id == "flood":
                yield dataset_pb2.Dataset(description="x" * 10_000)
            await asyncio.Event().wait()
        finally:
            self.open -= 1
            self.closed_by.append(current_caller().user_id)

    async def ReadSample(self, request: dataset_pb2.ReadSampleRequest) -> AsyncIterator[httpbody_pb2.HttpBody]:
        self._not_here(request)
        yield httpbody_pb2.HttpBody()

    def _not_here(self, request: object) -> NoReturn:
        raise NotFound("This service does not do that.")

    ListDatasets = UpdateDataset = DeleteDataset = ImportDataset = OnlineDataset = OfflineDataset = _not_here
    ListSamples = PrepareTrainingData = _not_here
