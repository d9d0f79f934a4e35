"""Token buckets in process."""

import time
from collections.abc import Callable
from dataclasses import dataclass

_MANY = 10_000


@dataclass
class _Bucket:
    tokens: float
    filled_at: float


class TokenBuckets:
    """One bucket a key: `burst` requests at once, `rate_per_s` in the long run."""

    def __init__(self, rate_per_s: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate_per_s
        self._burst = burst
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def take(self, key: str) -> float:
        """Seconds to wait before the next try; 0 means that the request was counted and may go on."""
        now = self._clock()
        bucket = self._buckets.get(key)
        if bucket is None:
            self._make_room(now)
            bucket = self._buckets[key] = _Bucket(float(self._burst), now)
        bucket.tokens = min(self._burst, bucket.tokens + (now - bucket.filled_at) * self._rate)
        bucket.filled_at = now
        if bucket.tokens < 1:
            return (1 - bucket.tokens) / self._rate
        bucket.tokens -= 1
        return 0.0

    def __len__(self) -> int:
        return len(self._buckets)

    def _make_room(self, now: float) -> None:
        """Forget full buckets, which are as good as none, then the oldest: many at a time, so that it is cheap."""
        if len(self._buckets) < _MANY:
            return
        time_to_fill = self._burst / self._rate
        kept = [(key, found) for key, found in self._buckets.items() if now - found.filled_at < time_to_fill]
        self._buckets = dict(kept[-_MANY // 2 :])
