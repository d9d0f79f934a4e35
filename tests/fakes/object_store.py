"""An object store in memory, with the behaviour that the contract suite fixes."""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import BinaryIO

from services.kernel.entity import utc_now
from services.kernel.errors import NotFound, Unavailable
from services.kernel.storage.objects import ObjectInfo, Readable, check_key, content_of


class FakeStore:
    """`objects` holds what is stored; `away` makes every call fail like a server that does not answer."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.written: dict[str, datetime] = {}
        self.puts = 0
        self.away = False
        self._lock = threading.Lock()

    def put(self, key: str, data: bytes | BinaryIO, size: int = -1) -> None:
        content = bytes(content_of(key, data, size))
        self._reach()
        with self._lock:
            self.objects[key] = content
            self.written[key] = utc_now()
            self.puts += 1

    @contextmanager
    def get(self, key: str, offset: int = 0, length: int | None = None) -> Iterator[Readable]:
        check_key(key)
        self._reach()
        if key not in self.objects:
            raise NotFound(f"There is no object {key}.", reason="OBJECT_NOT_FOUND")
        end = None if length is None else offset + length
        yield io.BytesIO(self.objects[key][offset:end])

    def stat(self, key: str) -> int | None:
        check_key(key)
        self._reach()
        content = self.objects.get(key)
        return None if content is None else len(content)

    def info(self, key: str) -> ObjectInfo | None:
        size = self.stat(key)
        return None if size is None else ObjectInfo(key, size, self.written[key])

    def scan(self, prefix: str) -> Iterator[ObjectInfo]:
        for key in self.list(prefix):
            if found := self.info(key):
                yield found

    def exists(self, key: str) -> bool:
        return self.stat(key) is not None

    def delete(self, key: str) -> None:
        check_key(key)
        self._reach()
        with self._lock:
            self.objects.pop(key, None)

    def list(self, prefix: str) -> Iterator[str]:
        self._reach()
        yield from sorted(key for key in list(self.objects) if key.startswith(prefix))

    def _reach(self) -> None:
        if self.away:
            raise Unavailable("The object store does not answer.", reason="OBJECT_STORE_AWAY")
