"""Reservations: nodes that are kept for a gang that waited long, from the earliest time at which it will fit.

EASY backfilling (Lifka, 1995) with estimates that may be wrong: what others may still do on the kept nodes is what
ends before the start, or what the gang leaves over.
"""

import numpy as np

from services.scheduler.core.compiled import kernel
from services.scheduler.core.nodes import count_that_fit, move, touch
from services.scheduler.core.records import NONE, WHOLE, Records, State

OVERRUN = 0.25
"""What has run longer than expected is expected to run on for this part of its time so far."""
_AT_LEAST_S = 60.0


@kernel
def expected_end(worker: Records, now: float) -> float:
    if worker.ends > now:
        return worker.ends
    return now + max(OVERRUN * (now - worker.started), _AT_LEAST_S)


@kernel
def reserve(state: State, slot: int, job: int, now: float) -> bool:
    """Lock the nodes where the job can start earliest. An earlier plan is kept unless the new one is no later, or its
    time has come and gone. False when even the nodes without what runs now do not hold the job."""
    bucket = state.buckets[state.jobs[job].bucket]
    trial = state.nodes.copy()
    start = earliest(state, trial, slot, bucket.shape, bucket.minimum, now)
    state.reservations[slot].planned = state.pool[0].clock
    if start == np.inf:
        return False
    if state.reservations[slot].job == job and now < state.reservations[slot].start < start:
        return True
    if state.reservations[slot].job != NONE:
        release(state, slot)
    state.reservations[slot].job = job
    state.reservations[slot].start = start
    state.reservations[slot].planned = state.pool[0].clock
    state.jobs[job].reservation = slot
    state.pool[0].reserved += 1
    lock(state, trial, slot, bucket.shape, bucket.minimum)
    return True


@kernel
def earliest(state: State, trial: Records, slot: int, shape: int, count: int, now: float) -> float:
    """When `count` workers fit, as things are expected to end; `trial` shows the nodes as they are then."""
    wanted = state.shapes[shape]
    total = 0
    for node in range(trial.shape[0]):
        mine = trial[node].lock == NONE or trial[node].lock == slot
        trial[node].count = 0
        if mine and state.eligible[shape, trial[node].kind]:
            trial[node].count = count_that_fit(trial[node], wanted)
            total += trial[node].count
        else:
            trial[node].count = NONE
    if total >= count:
        return now
    workers = state.workers
    ends = np.full(workers.shape[0], np.inf)
    for row in range(workers.shape[0]):
        if workers[row].job != NONE and trial[workers[row].node].count != NONE:
            ends[row] = expected_end(workers[row], now)
    for row in np.argsort(ends, kind="mergesort"):
        if ends[row] == np.inf:
            break
        node = workers[row].node
        move(trial[node], state.shapes[workers[row].shape], workers[row].cards, 1)
        total -= trial[node].count
        trial[node].count = count_that_fit(trial[node], wanted)
        total += trial[node].count
        if total >= count:
            return ends[row]
    return np.inf


@kernel
def lock(state: State, trial: Records, slot: int, shape: int, count: int) -> None:
    """Keep the nodes that hold most, and note what the gang will leave of them."""
    wanted = state.shapes[shape]
    while count > 0:
        best = NONE
        most = 0
        for node in range(trial.shape[0]):
            if min(trial[node].count, count) > most:
                best = node
                most = min(trial[node].count, count)
        trial[best].count = 0
        count -= most
        kept = state.nodes[best]
        kept.lock = slot
        whole = 0
        for card in range(trial[best].cards):
            if trial[best].card_free[card] == WHOLE:
                whole += 1
        kept.spare_cards = whole - most * wanted.cards
        for resource in range(wanted.need.shape[0]):
            kept.spare[resource] = trial[best].free[resource] - most * wanted.need[resource]


@kernel
def release(state: State, slot: int) -> None:
    """Give the reservation up; its nodes are open to all."""
    state.jobs[state.reservations[slot].job].reservation = NONE
    state.reservations[slot].job = NONE
    state.pool[0].reserved -= 1
    for node in range(state.nodes.shape[0]):
        if state.nodes[node].lock == slot:
            state.nodes[node].lock = NONE
            touch(state.nodes, state.pool, state.log, node)
    state.pool[0].freed = state.pool[0].clock
