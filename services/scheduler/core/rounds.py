"""One round: reservations whose time has come, then the queues by their shares, then new reservations."""

from typing import NamedTuple

import numpy as np

from services.scheduler.core.compiled import kernel
from services.scheduler.core.gangs import place
from services.scheduler.core.lines import leave
from services.scheduler.core.queues import (
    ROOT,
    block,
    next_leaf,
    unblock,
    update_all,
    update_path,
    within_quota,
)
from services.scheduler.core.records import NONE, Records, State
from services.scheduler.core.reservations import release, reserve
from services.scheduler.core.scoring import IMPOSSIBLE


class Policy(NamedTuple):
    """How to decide: the scheduler's own settings, or those of a policy that it is measured against."""

    rule: int
    """of scoring"""
    fair: bool
    """by shares; otherwise in the order of ranks"""
    strict: bool
    """what does not fit holds up everything behind it"""
    epsilon: float
    """shares that differ by less are equal"""
    patience_s: float
    """how long a job waits before it may reserve"""


@kernel
def run(state: State, policy: Policy, now: float) -> int:
    """Decide what can be decided; the number of jobs placed, which stand in `placed`."""
    count = honour(state, policy, now)
    open_queues(state)
    find_saturated(state.pool)
    update_all(state.queues, state.pool)
    while not state.queues[ROOT].blocked:
        leaf = next_leaf(state, policy.epsilon) if policy.fair else first_by_rank(state)
        job = try_bucket(state, policy, state.queues[leaf].head_bucket, now)
        if job != NONE:
            leave(state, job)
            if state.jobs[job].reservation != NONE:
                release(state, state.jobs[job].reservation)
            state.placed[count] = job
            count += 1
            if find_saturated(state.pool):
                update_all(state.queues, state.pool)
        elif policy.strict:
            return count
        find_head(state, leaf)
        if state.queues[leaf].head_bucket == NONE:
            block(state.queues, leaf)
        update_path(state.queues, state.pool, leaf)
    if count > 0:
        note_overtaken(state, count)
    reserve_new(state, policy, now)
    grow(state, policy, count, now)
    return count


@kernel
def honour(state: State, policy: Policy, now: float) -> int:
    """Start the reserved gangs that fit by now; plan the others anew where something has changed."""
    count = 0
    for slot in range(state.reservations.shape[0]):
        job = state.reservations[slot].job
        if job == NONE:
            continue
        bucket = state.buckets[state.jobs[job].bucket]
        amounts = state.shapes[bucket.shape].charge
        allowed = within_quota(state.queues, state.jobs[job].queue, amounts, bucket.minimum)
        if allowed and place(state, policy.rule, job, bucket.minimum, now):
            release(state, slot)
            leave(state, job)
            state.placed[count] = job
            count += 1
            continue
        due = state.reservations[slot].planned != state.pool[0].clock or state.reservations[slot].start <= now
        if due and not reserve(state, slot, job, now):
            release(state, slot)
    return count


@kernel
def open_queues(state: State) -> None:
    """Which queues have something that may fit: what failed before fails again until something was freed."""
    for queue in range(state.queues.shape[0]):
        state.queues[queue].blocked = 1
    for leaf in range(state.queues.shape[0]):
        if state.queues[leaf].first_child == NONE:
            find_head(state, leaf)
            if state.queues[leaf].head_bucket != NONE:
                unblock(state.queues, leaf)


@kernel
def find_head(state: State, leaf: int) -> None:
    """The bucket with the first by rank among the jobs of the leaf that may still fit."""
    freed = state.pool[0].freed
    best = NONE
    at = state.queues[leaf].first_bucket
    while at != NONE:
        bucket = state.buckets[at]
        may_fit = bucket.head != NONE and bucket.failed < freed and state.gangs[bucket.gang].failed < freed
        if may_fit and (best == NONE or state.jobs[bucket.head].rank < state.jobs[state.buckets[best].head].rank):
            best = at
        at = bucket.next_of_queue
    state.queues[leaf].head_bucket = best


@kernel
def first_by_rank(state: State) -> int:
    best = NONE
    least = 0.0
    for leaf in range(state.queues.shape[0]):
        if state.queues[leaf].first_child == NONE and state.queues[leaf].head_bucket != NONE:
            rank = state.jobs[state.buckets[state.queues[leaf].head_bucket].head].rank
            if best == NONE or rank < least:
                best = leaf
                least = rank
    return best


@kernel
def try_bucket(state: State, policy: Policy, at: int, now: float) -> int:
    """Place the head of the bucket, or the first one behind it that is short enough for kept nodes; the job, or -1."""
    bucket = state.buckets[at]
    count = bucket.minimum
    clock = state.pool[0].clock
    if not within_quota(state.queues, bucket.queue, state.shapes[bucket.shape].charge, count):
        bucket.failed = clock
        return NONE
    job = bucket.head
    if place(state, policy.rule, job, count, now):
        return job
    window = longest_window(state, bucket.shape, now)
    if window == 0.0:
        state.gangs[bucket.gang].failed = clock
        return NONE
    job = state.jobs[job].next
    while job != NONE:
        if state.jobs[job].estimate <= window and place(state, policy.rule, job, count, now):
            return job
        job = state.jobs[job].next
    bucket.failed = clock
    return NONE


@kernel
def longest_window(state: State, shape: int, now: float) -> float:
    """The longest time for which kept nodes would let workers of the shape in; 0 when it makes no difference."""
    longest = 0.0
    if state.pool[0].reserved > 0:
        for node in range(state.nodes.shape[0]):
            lock = state.nodes[node].lock
            if lock != NONE and state.score[shape, node] > IMPOSSIBLE:
                longest = max(longest, state.reservations[lock].start - now)
    return longest


@kernel
def find_saturated(pool: Records) -> bool:
    """Which resources are used up; whether that has changed."""
    changed = False
    for dimension in range(pool[0].free.shape[0]):
        used_up = 1 if pool[0].free[dimension] < pool[0].least[dimension] else 0
        if used_up != pool[0].saturated[dimension]:
            pool[0].saturated[dimension] = used_up
            changed = True
    return changed


@kernel
def note_overtaken(state: State, count: int) -> None:
    """Mark the first of each queue that waits while something smaller was placed. Equals only wait for their turn, but
    what is large may wait for ever while small ones take each piece that is freed."""
    smallest = np.inf
    for at in range(count):
        smallest = min(smallest, state.buckets[state.jobs[state.placed[at]].bucket].size)
    for leaf in range(state.queues.shape[0]):
        first = first_waiting(state, leaf) if state.queues[leaf].first_child == NONE else NONE
        if first != NONE and state.buckets[state.jobs[first].bucket].size > smallest:
            state.jobs[first].overtaken = 1


@kernel
def first_waiting(state: State, leaf: int) -> int:
    """The first by rank of all that wait in the leaf."""
    best = NONE
    at = state.queues[leaf].first_bucket
    while at != NONE:
        head = state.buckets[at].head
        if head != NONE and (best == NONE or state.jobs[head].rank < state.jobs[best].rank):
            best = head
        at = state.buckets[at].next_of_queue
    return best


@kernel
def reserve_new(state: State, policy: Policy, now: float) -> None:
    """Keep nodes for those that were overtaken and have waited past their patience, while there are places for it."""
    for slot in range(state.reservations.shape[0]):
        if state.reservations[slot].job != NONE:
            continue
        job = next_to_reserve(state, now)
        if job == NONE:
            return
        if not reserve(state, slot, job, now):
            state.jobs[job].asks_from = now + policy.patience_s  # what others have reserved is in its way


@kernel
def next_to_reserve(state: State, now: float) -> int:
    """The one that came first of those that may."""
    best = NONE
    for leaf in range(state.queues.shape[0]):
        job = first_waiting(state, leaf) if state.queues[leaf].first_child == NONE else NONE
        if job == NONE:
            continue
        this = state.jobs[job]
        may = this.overtaken and this.asks_from <= now and this.reservation == NONE
        may = may and state.buckets[this.bucket].holds != 0
        if may and (best == NONE or this.submitted < state.jobs[best].submitted):
            best = job
    return best


@kernel
def grow(state: State, policy: Policy, count: int, now: float) -> None:
    """Let the gangs of this round have what they can use beyond their minimum, one worker at a time in turn. Nobody who
    waits could take it."""
    grown = True
    while grown:
        grown = False
        for at in range(count):
            job = state.placed[at]
            bucket = state.buckets[state.jobs[job].bucket]
            amounts = state.shapes[bucket.shape].charge
            if state.jobs[job].workers < bucket.maximum and within_quota(state.queues, bucket.queue, amounts, 1):
                grown |= place(state, policy.rule, job, 1, now)
