"""Progress of an import as users see it."""

import time
from collections.abc import Callable

from services.dataset.domain import ImportProgress

_INTERVAL = 0.5


class Progress:
    """Counts, and tells at most twice a second. `checkpoint` is called as often, and may raise to stop the work."""

    def __init__(self, tell: Callable[[ImportProgress], None], checkpoint: Callable[[], None]) -> None:
        self._tell = tell
        self._checkpoint = checkpoint
        self._phase, self._done, self._total, self._bytes = "", 0, 0, 0
        self._next = 0.0

    def begin(self, phase: str, total: int) -> None:
        self._phase, self._done, self._total, self._bytes = phase, 0, total, 0
        self._maybe_tell()

    def bytes(self, done: int) -> None:
        """So many bytes of the phase are done."""
        self._bytes = done
        self._maybe_tell()

    def file(self, size: int) -> None:
        """One more file of `size` bytes is done."""
        self._done += 1
        self._bytes += size
        self._maybe_tell()

    def _maybe_tell(self) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _INTERVAL
            self._checkpoint()
            self._tell(ImportProgress(self._phase, self._done, self._total, self._bytes))
