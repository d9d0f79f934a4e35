"""A wire that can be cut after a request has been worked on and before its answer arrives."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from tests.support.polling import eventually


class CutWire:
    """Forwards TCP to `target`. After `lose_answer(done)` the next answer waits until `done()`, and is then lost."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._done: Callable[[], bool] | None = None
        self.lost = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def lose_answer(self, done: Callable[[], bool]) -> None:
        self._done = done

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._target)
                for source, sink, answers in ((near, far, False), (far, near, True)):
                    threading.Thread(target=self._pump, args=(source, sink, answers), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if answers and self._done is not None:
                    eventually(self._done)
                    self._done = None
                    self.lost += 1
                    break
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
