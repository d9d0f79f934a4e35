"""How the inner loops of the scheduler are compiled: to machine code, kept beside their source, without the GIL.

Results are exact integers, or sums of floating-point numbers in a fixed order: nothing here is fast mathematics.
`python -m services.scheduler.core` compiles everything, so that no process waits for it later.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., object])

PACKAGE = Path(__file__).parent
_config = cast(Any, numba.config)
KEPT = Path(_config.CACHE_DIR or PACKAGE / "__pycache__")
"""NUMBA_CACHE_DIR, if it is set."""


def fingerprint() -> str:
    """Of all sources: numba notices a change of the file of a function, but not of those that it calls."""
    sources = sorted(PACKAGE.glob("*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]


_config.CACHE_DIR = str(KEPT / f"compiled-{fingerprint()}")


def kernel(function: F) -> F:
    return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy")(function))
