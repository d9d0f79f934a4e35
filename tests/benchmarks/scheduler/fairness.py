"""How fairly a replayed trace was served."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from services.scheduler.core.simulation import Arrival

HOUR = 3600.0


def jain(arrivals: Sequence[Arrival], started: Mapping[str, float]) -> float:
    """Jain's index of the cards that tenants had who waited for more, on average over the hours in which two or more
    did: 1 when all had the same."""
    tenants = {name: at for at, name in enumerate(sorted({arrival.job.queue for arrival in arrivals}))}
    end = max(started[arrival.job.id] + arrival.duration for arrival in arrivals)
    hours = int(end / HOUR) + 2
    having, waiting = np.zeros((hours, len(tenants))), np.zeros((hours, len(tenants)))
    for arrival in arrivals:
        tenant, begin = tenants[arrival.job.queue], started[arrival.job.id]
        cards = arrival.job.workers[0] * arrival.job.shape.cards
        _between(having, tenant, begin, begin + arrival.duration, cards)
        _between(waiting, tenant, arrival.job.submitted, begin, 1)
    held, backlog = having.cumsum(axis=0), waiting.cumsum(axis=0) > 0
    indices = [_index(row[behind]) for row, behind in zip(held, backlog, strict=True) if behind.sum() > 1]
    return float(np.mean(indices)) if indices else 1.0


def _between(steps: NDArray[np.float64], tenant: int, begin: float, end: float, amount: float) -> None:
    """Count the whole hours that lie between."""
    first, last = int(np.ceil(begin / HOUR)), int(np.ceil(end / HOUR))
    if last > first:
        steps[first, tenant] += amount
        steps[last, tenant] -= amount


def _index(values: NDArray[np.float64]) -> float:
    squares = float((values**2).sum())
    return float(values.sum()) ** 2 / (len(values) * squares) if squares else 1.0
