from services.gateway.buckets import TokenBuckets


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_burst_then_rate() -> None:
    clock = Clock()
    buckets = TokenBuckets(rate_per_s=2, burst=3, clock=clock)
    assert [buckets.take("a") for _ in range(3)] == [0, 0, 0]
    assert buckets.take("a") == 0.5
    clock.now += 0.5
    assert buckets.take("a") == 0
    assert buckets.take("a") > 0


def test_refused_requests_cost_nothing() -> None:
    clock = Clock()
    buckets = TokenBuckets(rate_per_s=1, burst=1, clock=clock)
    assert buckets.take("a") == 0
    assert all(buckets.take("a") == 1 for _ in range(10))
    clock.now += 1
    assert buckets.take("a") == 0


def test_a_long_pause_fills_no_more_than_the_burst() -> None:
    clock = Clock()
    buckets = TokenBuckets(rate_per_s=10, burst=2, clock=clock)
    buckets.take("a")
    clock.now += 1000
    assert [buckets.take("a") == 0 for _ in range(3)] == [True, True, False]


def test_keys_are_apart() -> None:
    buckets = TokenBuckets(rate_per_s=1, burst=1, clock=Clock())
    assert buckets.take("a") == 0
    assert buckets.take("b") == 0


def test_memory_is_bounded() -> None:
    buckets = TokenBuckets(rate_per_s=1, burst=1, clock=Clock())
    for number in range(25_000):
        buckets.take(f"address:{number}")
    assert len(buckets) <= 10_000
