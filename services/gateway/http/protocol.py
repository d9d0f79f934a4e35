"""uvicorn's HTTP/1.1 protocol with a limit on the time that headers may take."""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from services.gateway.http.errors import status_json
from services.kernel.errors import InvalidArgument
from services.kernel.grpc.status import to_status


class PatientProtocol(H11Protocol):
    """Closes a connection whose request line and headers are not complete after `header_time_s`.

    uvicorn limits only their size and the idle time between requests: one byte a second would hold a connection.
    """

    header_time_s = 15.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._header_timer: asyncio.TimerHandle | None = None
        self._watch_headers()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch_headers()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stop_watching()

    def send_400_response(self, msg: str) -> None:
        """What is not HTTP is refused in the form of every other error."""
        text = status_json(to_status(InvalidArgument(msg, reason="REQUEST_MALFORMED")), 400).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(text)).encode()),
            (b"connection", b"close"),
        ]
        for event in (h11.Response(status_code=400, headers=headers), h11.Data(data=text), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _waits_for_headers(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _watch_headers(self) -> None:
        if not self._waits_for_headers() or self.transport.is_closing():
            self._stop_watching()
        elif self._header_timer is None:
            self._header_timer = self.loop.call_later(self.header_time_s, self._too_slow)

    def _stop_watching(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _too_slow(self) -> None:
        self._header_timer = None
        if self._waits_for_headers():
            self.transport.close()
