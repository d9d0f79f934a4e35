"""OperationService."""

from google.protobuf.empty_pb2 import Empty

from protos.operation.v1 import operation_pb2
from services.gateway.deadletters.models import DeadLetters, State
from services.gateway.garbage import models as garbage
from services.gateway.operation.peers import Peers
from services.kernel.context import current_caller
from services.kernel.entity import utc_now
from services.kernel.rights import require_admin
from services.kernel.storage.condition import condition_of
from services.kernel.storage.mongo import BsonDocument, database
from services.kernel.wire import fill, to_message

SHOWN_BYTES = 1 << 20


class _Row:
    """A stored document as attributes, for `wire`."""

    def __init__(self, row: BsonDocument) -> None:
        self.__dict__.update({name: _Row(value) if isinstance(value, dict) else value for name, value in row.items()})
        self.id = row.get("_id")


class OperationRpc:
    """Every method is for administrators only."""

    def __init__(self, letters: DeadLetters, peers: Peers) -> None:
        self._letters = letters
        self._peers = peers

    def ListDeadLetters(self, request: operation_pb2.ListDeadLettersRequest) -> operation_pb2.ListDeadLettersResponse:
        require_admin()
        name = operation_pb2.DeadLetter.State.Name(request.state).removeprefix("STATE_").lower()
        state = State(name) if request.state else None
        page = self._letters.listed(request.queue, state, request.page_size, request.page_token)
        return operation_pb2.ListDeadLettersResponse(
            dead_letters=map(_dead_letter, page.items),
            next_page_token=page.next_page_token,
            total_size=page.total_size,
        )

    def GetDeadLetter(self, request: operation_pb2.GetDeadLetterRequest) -> operation_pb2.DeadLetter:
        require_admin()
        row = self._letters.get(request.id)
        message = _dead_letter(row)
        message.body = self._letters.body_of(row)[:SHOWN_BYTES].decode("utf-8", "replace")
        return message

    def ReplayDeadLetter(self, request: operation_pb2.ReplayDeadLetterRequest) -> operation_pb2.DeadLetter:
        require_admin()
        return _dead_letter(self._letters.request_replay(request.id))

    def ReplayDeadLetters(
        self, request: operation_pb2.ReplayDeadLettersRequest
    ) -> operation_pb2.ReplayDeadLettersResponse:
        require_admin()
        return operation_pb2.ReplayDeadLettersResponse(count=self._letters.request_replays(request.queue))

    def DeleteDeadLetter(self, request: operation_pb2.DeleteDeadLetterRequest) -> Empty:
        require_admin()
        self._letters.drop(request.id)
        return Empty()

    def CreateGarbageCollection(
        self, request: operation_pb2.CreateGarbageCollectionRequest
    ) -> operation_pb2.GarbageCollection:
        require_admin()
        return _collection(garbage.create(dry_run=request.dry_run, actor=current_caller().user_id))

    def GetGarbageCollection(
        self, request: operation_pb2.GetGarbageCollectionRequest
    ) -> operation_pb2.GarbageCollection:
        require_admin()
        return _collection(garbage.get(request.id))

    def ListGarbageCollections(
        self, request: operation_pb2.ListGarbageCollectionsRequest
    ) -> operation_pb2.ListGarbageCollectionsResponse:
        require_admin()
        page = garbage.listed(request.page_size, request.page_token)
        return operation_pb2.ListGarbageCollectionsResponse(
            garbage_collections=map(_collection, page.items),
            next_page_token=page.next_page_token,
            total_size=page.total_size,
        )

    def GetCondition(self, _request: operation_pb2.GetConditionRequest) -> operation_pb2.Condition:
        require_admin()
        condition = operation_pb2.Condition(services=self._peers.conditions(), dead_letters=self._letters.count_dead())
        fill(condition.services.add(), condition_of("gateway", database()))
        if (last := garbage.last()) is not None:
            condition.last_garbage_collection.CopyFrom(_collection(last))
        condition.time.FromDatetime(utc_now())
        return condition


def _dead_letter(row: BsonDocument) -> operation_pb2.DeadLetter:
    return to_message(_Row(row | {"body": None}), operation_pb2.DeadLetter)


def _collection(row: BsonDocument) -> operation_pb2.GarbageCollection:
    return to_message(_Row(row), operation_pb2.GarbageCollection)
