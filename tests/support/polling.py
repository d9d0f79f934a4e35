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


def wait_for_none(fn: Callable[[], list[str]], timeout: float, interval: float = 0.5) -> list[str]:
    """What `fn` still lists when it lists nothing any more or `timeout` seconds have passed."""
    deadline = time.monotonic() + timeout
    while (found := fn()) and time.monotonic() < deadline:
        time.sleep(interval)
    return found
