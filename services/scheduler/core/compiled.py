"""How the inner loops of the scheduler are compiled: to machine code, kept beside their source, without the GIL.

Results are exact integers, or sums of floating-point numbers in a fixed order: nothing here is fast mathematics.
"""

from collections.abc import Callable
from typing import TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., object])


def kernel(function: F) -> F:
    return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy")(function))
