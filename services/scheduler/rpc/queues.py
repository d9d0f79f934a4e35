"""Queues: how projects share the nodes; and the ledger."""

from datetime import UTC

from protos.scheduler.v1 import queue_pb2
from services.kernel.errors import InvalidArgument
from services.kernel.pages import PageToken, page_limit
from services.kernel.rights import require_admin, require_caller
from services.kernel.storage.transactions import in_transaction
from services.kernel.wire import apply_mask, to_message
from services.scheduler.bootstrap import App
from services.scheduler.domain import Queue
from services.scheduler.handlers import queues as handlers

_CHANGEABLE = {"weight", "quota", "guarantee"}


class QueueRpc:
    def __init__(self, app: App) -> None:
        self._app = app

    def ListQueues(self, request: queue_pb2.ListQueuesRequest) -> queue_pb2.ListQueuesResponse:
        require_caller()
        after = PageToken.parse(request.page_token, {}).after if request.page_token else ""
        all_ = self._standings()
        rest = [standing for standing in all_ if standing.id > after]
        limit = page_limit(request.page_size)
        response = queue_pb2.ListQueuesResponse(
            queues=[to_message(standing, queue_pb2.Queue) for standing in rest[:limit]], total_size=len(all_)
        )
        if len(rest) > limit:
            response.next_page_token = PageToken.after_item(rest[limit - 1].id, {})
        return response

    def UpdateQueue(self, request: queue_pb2.UpdateQueueRequest) -> queue_pb2.Queue:
        require_admin()

        def change(queue: Queue) -> None:
            apply_mask(queue, request.queue, request.update_mask, allowed=_CHANGEABLE)
            for name in ("quota", "guarantee"):
                if expected := getattr(queue, name).expected():
                    raise InvalidArgument.field(f"queue.{name}", expected)

        in_transaction(lambda: handlers.update(self._app.queues, request.id, change))
        return next(
            to_message(standing, queue_pb2.Queue) for standing in self._standings() if standing.id == request.id
        )

    def _standings(self) -> list[handlers.Standing]:
        return handlers.standings(self._app.queues.find(), self._app.totals.by_project(), self._app.nodes.find())


class LedgerRpc:
    def __init__(self, app: App) -> None:
        self._app = app

    def ListRounds(self, request: queue_pb2.ListRoundsRequest) -> queue_pb2.ListRoundsResponse:
        require_admin()
        since = request.since.ToDatetime(UTC) if request.HasField("since") else None
        until = request.until.ToDatetime(UTC) if request.HasField("until") else None
        asked = {"since": str(since), "until": str(until)}
        after = PageToken.parse(request.page_token, asked).after if request.page_token else "0"
        if not after.isdecimal():
            raise InvalidArgument.field("page_token", "is not a token of this listing; start again without one")
        limit = page_limit(request.page_size)
        found = self._app.ledger.page(since, until, int(after), limit + 1)
        response = queue_pb2.ListRoundsResponse(rounds=[to_message(one, queue_pb2.Round) for one in found[:limit]])
        if len(found) > limit:
            response.next_page_token = PageToken.after_item(str(found[limit - 1].number), asked)
        return response
