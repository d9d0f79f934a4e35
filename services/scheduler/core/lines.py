"""The lines in which jobs wait, and what a job has while it runs."""

from services.scheduler.core.compiled import kernel
from services.scheduler.core.fragmentation import measure
from services.scheduler.core.nodes import move, touch
from services.scheduler.core.queues import charge
from services.scheduler.core.records import NONE, State


@kernel
def enter(state: State, job: int) -> None:
    """Into its bucket by its rank, behind those of the same rank."""
    jobs = state.jobs
    bucket = state.buckets[jobs[job].bucket]
    before = bucket.tail
    while before != NONE and jobs[before].rank > jobs[job].rank:
        before = jobs[before].previous
    behind = bucket.head if before == NONE else jobs[before].next
    jobs[job].previous = before
    jobs[job].next = behind
    if before == NONE:
        bucket.head = job
    else:
        jobs[before].next = job
    if behind == NONE:
        bucket.tail = job
    else:
        jobs[behind].previous = job
    if state.pool[0].reserved > 0:
        bucket.failed = NONE  # it may be short enough for a node that is kept for another


@kernel
def leave(state: State, job: int) -> None:
    """Out of its bucket."""
    jobs = state.jobs
    bucket = state.buckets[jobs[job].bucket]
    before = jobs[job].previous
    behind = jobs[job].next
    if before == NONE:
        bucket.head = behind
    else:
        jobs[before].next = behind
    if behind == NONE:
        bucket.tail = before
    else:
        jobs[behind].previous = before


@kernel
def start_worker(state: State, job: int, shape: int, node: int, cards: int, now: float) -> None:
    """Give one worker its node and cards, and book it."""
    workers = state.workers
    row = state.pool[0].free_worker
    state.pool[0].free_worker = workers[row].next
    workers[row].job = job
    workers[row].node = node
    workers[row].shape = shape
    workers[row].cards = cards
    workers[row].started = now
    workers[row].ends = now + state.jobs[job].estimate
    workers[row].next = state.jobs[job].first_worker
    state.jobs[job].first_worker = row
    state.jobs[job].workers += 1
    book(state, job, shape, node, cards, -1)


@kernel
def finish(state: State, job: int) -> None:
    """One that runs gives everything back."""
    workers = state.workers
    row = state.jobs[job].first_worker
    while row != NONE:
        following = workers[row].next
        book(state, job, workers[row].shape, workers[row].node, workers[row].cards, 1)
        workers[row].job = NONE
        workers[row].next = state.pool[0].free_worker
        state.pool[0].free_worker = row
        row = following
    state.jobs[job].first_worker = NONE
    state.jobs[job].workers = 0
    state.pool[0].freed = state.pool[0].clock


@kernel
def book(state: State, job: int, shape: int, node: int, cards: int, sign: int) -> None:
    """Take (-1) or give back (1), on the node, in the pool and for the queues."""
    move(state.nodes[node], state.shapes[shape], cards, sign)
    touch(state.nodes, state.pool, state.log, node)
    measure(state.nodes[node], state.classes, state.popular, state.weight)
    amounts = state.shapes[shape].charge
    for dimension in range(amounts.shape[0]):
        state.pool[0].free[dimension] += sign * amounts[dimension]
    charge(state.queues, state.jobs[job].queue, amounts, -sign)
