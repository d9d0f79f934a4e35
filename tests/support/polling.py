"""Waiting in tests: ask again and again, never sleep a fixed time."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(fn: Callable[[], T], timeout: float = 10.0, interval: float = 0.05) -> T:
    """The first true value that `fn` returns. An AssertionError of `fn` counts as false.

    Raises AssertionError after `timeout` seconds, with the last value or failure.
    """
    deadline = time.monotonic() + timeout
    while True:
        last: object = None
        try:
            value = fn()
            if value:
                return value
            last = value
        except AssertionError as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not so within {timeout} s; last: {last!r}")
        time.sleep(interval)
