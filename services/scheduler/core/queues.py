"""The tree of queues: who has how much, and who is next.

Dominant resource fairness (Ghodsi et al., NSDI 2011) over a tree, by the rule of H-DRF (Bhattacharya et al., SoCC
2013): a parent's usage is the sum of its children's, those that can still get something scaled down to the least share
among them. Naive sums starve a child whose resource its sibling does not want.
"""

import numpy as np

from services.scheduler.core.compiled import kernel
from services.scheduler.core.records import NONE, Ints, Records, State

ROOT = 0


@kernel
def update_share(queues: Records, pool: Records, queue: int) -> None:
    """Take the share of one queue anew; its children's are right."""
    this = queues[queue]
    dimensions = this.used.shape[0]
    if this.first_child == NONE:
        for dimension in range(dimensions):
            this.scaled[dimension] = this.used[dimension]
    else:
        least = least_share(queues, queue)
        for dimension in range(dimensions):
            this.scaled[dimension] = 0.0
        child = this.first_child
        while child != NONE:
            factor = 1.0
            if not queues[child].blocked and queues[child].share > 0.0:
                factor = least / queues[child].share
            for dimension in range(dimensions):
                this.scaled[dimension] += factor * queues[child].scaled[dimension]
            child = queues[child].next_sibling
    largest = 0.0
    for dimension in range(dimensions):
        capacity = pool[0].capacity[dimension]
        if capacity > 0 and not pool[0].saturated[dimension]:
            largest = max(largest, this.scaled[dimension] / capacity)
    this.share = largest / this.weight


@kernel
def least_share(queues: Records, queue: int) -> float:
    """Among the children that can still get something."""
    least = np.inf
    child = queues[queue].first_child
    while child != NONE:
        if not queues[child].blocked:
            least = min(least, queues[child].share)
        child = queues[child].next_sibling
    return least


@kernel
def update_path(queues: Records, pool: Records, leaf: int) -> None:
    """Take the shares anew from a leaf up to the root."""
    queue = leaf
    while queue != NONE:
        update_share(queues, pool, queue)
        queue = queues[queue].parent


@kernel
def update_all(queues: Records, pool: Records) -> None:
    for queue in range(queues.shape[0] - 1, -1, -1):
        update_share(queues, pool, queue)


@kernel
def charge(queues: Records, leaf: int, amounts: Ints, sign: int) -> None:
    """Book amounts [D] on a leaf and everything above it."""
    queue = leaf
    while queue != NONE:
        for dimension in range(amounts.shape[0]):
            queues[queue].used[dimension] += sign * amounts[dimension]
        queue = queues[queue].parent


@kernel
def within_quota(queues: Records, leaf: int, amounts: Ints, count: int) -> bool:
    """Whether `count` times the amounts [D] may be added, by the quotas of the leaf and of everything above it."""
    queue = leaf
    while queue != NONE:
        for dimension in range(amounts.shape[0]):
            if amounts[dimension] * count > queues[queue].quota[dimension] - queues[queue].used[dimension]:
                return False
        queue = queues[queue].parent
    return True


@kernel
def unblock(queues: Records, leaf: int) -> None:
    queue = leaf
    while queue != NONE:
        queues[queue].blocked = 0
        queue = queues[queue].parent


@kernel
def block(queues: Records, leaf: int) -> None:
    """Nothing more for this leaf in this round; a parent is blocked with the last of its children."""
    queue = leaf
    while queue != NONE:
        child = queues[queue].first_child
        while child != NONE:
            if not queues[child].blocked:
                return
            child = queues[child].next_sibling
        queues[queue].blocked = 1
        queue = queues[queue].parent


@kernel
def next_leaf(state: State, epsilon: float) -> int:
    """Down from the root, each time to the child that is next: those below their guarantee first, then the least share.

    Shares in the same `epsilon` are equal; among them the one whose head leaves the pool in better balance, so that no
    resource is stranded, then the first by name.
    """
    queues = state.queues
    queue = ROOT
    while queues[queue].first_child != NONE:
        best = NONE
        child = queues[queue].first_child
        while child != NONE:
            if not queues[child].blocked and (best == NONE or is_before(state, child, best, epsilon)):
                best = child
            child = queues[child].next_sibling
        queue = best
    return queue


@kernel
def is_before(state: State, one: int, other: int, epsilon: float) -> bool:
    owed, other_owed = is_owed(state.queues[one]), is_owed(state.queues[other])
    if owed != other_owed:
        return owed
    share = int(state.queues[one].share / epsilon)
    other_share = int(state.queues[other].share / epsilon)
    if share != other_share:
        return share < other_share
    return strain(state, one) < strain(state, other)


@kernel
def is_owed(queue: Records) -> bool:
    """Whether it has less than its guarantee of everything that it is guaranteed."""
    guaranteed = False
    for dimension in range(queue.guarantee.shape[0]):
        if queue.guarantee[dimension] > 0:
            if queue.used[dimension] >= queue.guarantee[dimension]:
                return False
            guaranteed = True
    return guaranteed


@kernel
def strain(state: State, queue: int) -> float:
    """How far the free shares of the pool's resources lie apart once the leaf's head has what one worker needs."""
    bucket = state.queues[queue].head_bucket
    if state.queues[queue].first_child != NONE or bucket == NONE:
        return 0.0
    charge = state.shapes[state.buckets[bucket].shape].charge
    count = 0
    total = 0.0
    squares = 0.0
    for dimension in range(charge.shape[0]):
        if state.pool[0].capacity[dimension] > 0:
            free = (state.pool[0].free[dimension] - charge[dimension]) / state.pool[0].capacity[dimension]
            total += free
            squares += free * free
            count += 1
    return squares - total * total / count
