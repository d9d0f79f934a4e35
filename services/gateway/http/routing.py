"""Routes of the contract's bindings."""

from collections.abc import Sequence

from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from services.gateway.contract.contract import Binding
from services.gateway.http.transcoding import Transcoder


class BindingRoute(BaseRoute):
    """One binding. Templates are matched on the raw path, so that an escaped `/` or `:` stays part of a value."""

    def __init__(self, binding: Binding, transcoder: Transcoder) -> None:
        self.binding = binding
        self._transcoder = transcoder

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http":
            return Match.NONE, {}
        raw = scope.get("raw_path") or scope["path"].encode()
        try:
            values = self.binding.template.match(raw.decode("ascii"))
        except UnicodeDecodeError:
            return Match.NONE, {}
        if values is None:
            return Match.NONE, {}
        match = Match.FULL if scope["method"] == self.binding.verb else Match.PARTIAL
        return match, {
            "path_params": values,
            "route_name": self.binding.template.text,
            "is_command": "request_id" in self.binding.method.request.fields_by_name,
        }

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._transcoder.answer(self.binding, scope["path_params"], scope, receive, send)


def binding_routes(bindings: Sequence[Binding], transcoder: Transcoder) -> list[BaseRoute]:
    """Routes with more fixed text first: `/datasets/current` before `/datasets/{id}`."""
    ordered = sorted(bindings, key=lambda binding: (len(binding.template.variables), -len(binding.template.text)))
    return [BindingRoute(binding, transcoder) for binding in ordered]
