"""The condition of the services, and that all of operation is for administrators."""

import asyncio
from typing import Any, cast

import httpx
import pytest
from google.protobuf import message_factory

from protos.operation.v1 import maintenance_pb2, operation_pb2
from services.gateway.operation.peers import Peers, _references_of
from services.gateway.operation.rpc import OperationRpc
from services.gateway.uploads.models import UploadDocument
from services.kernel.context import Caller, acting_as, service_caller
from services.kernel.errors import PermissionDenied, Unauthenticated, Unavailable
from services.kernel.maintenance import FOLDER, Held, MaintenanceRpc
from services.kernel.storage.mongo import collection_of
from tests.integration.gateway.conftest import Running

METHODS = operation_pb2.DESCRIPTOR.services_by_name["OperationService"].methods


def test_the_condition_names_every_service_and_who_does_not_answer(http: httpx.Client) -> None:
    found = http.get("/api/v1/condition", timeout=60).json()
    services = {one["service"]: one for one in found["services"]}
    assert set(services) == {"dataset", "algorithm", "trainer", "scheduler", "serving", "gateway"}
    assert services["algorithm"]["error"]
    assert not services["gateway"].get("error")


@pytest.mark.parametrize("method", list(METHODS), ids=lambda method: str(method.name))
def test_operation_is_for_administrators(method: Any) -> None:
    rpc = OperationRpc(cast(Any, None), cast(Any, None))
    request = message_factory.GetMessageClass(method.input_type)()
    with acting_as(Caller("usr-1", roles=frozenset({"trainer"}))), pytest.raises(PermissionDenied):
        getattr(rpc, method.name)(request)


def test_references_come_whole_or_not_at_all(gateway: Running) -> None:
    names = [f"up-{number}" for number in range(2500)]
    collection_of(UploadDocument).delete_many({})
    collection_of(UploadDocument).insert_many([{"_id": name} for name in names])
    rpc = MaintenanceRpc("gateway", [Held(UploadDocument, "_id", FOLDER, prefix="uploads/")])

    async def read() -> list[maintenance_pb2.References]:
        return [part async for part in rpc.ReadReferences(maintenance_pb2.ReadReferencesRequest())]

    try:
        with acting_as(service_caller("gateway")):
            parts = asyncio.run(read())
        stub = cast(Any, _Stub(parts))
        assert [reference.name for reference in _references_of("x", stub)] == [f"uploads/{name}" for name in names]
        with pytest.raises(Unavailable, match="did not name everything"):
            list(_references_of("x", cast(Any, _Stub(parts[:-1]))))
        with pytest.raises(Unauthenticated):
            asyncio.run(read())
    finally:
        collection_of(UploadDocument).delete_many({})


class _Stub:
    def __init__(self, parts: list[maintenance_pb2.References]) -> None:
        self._parts = parts

    def ReadReferences(self, _request: object, timeout: float) -> list[maintenance_pb2.References]:
        assert timeout > 0
        return self._parts


def test_a_service_that_is_away_ends_the_search(gateway: Running) -> None:
    peers = Peers(gateway.settings, ["algorithm"])
    with pytest.raises(Unavailable):
        list(peers.references())
