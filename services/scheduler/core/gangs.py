"""Placing the workers of one gang: all that must start together, or none."""

import numpy as np

from services.scheduler.core.compiled import kernel
from services.scheduler.core.lines import start_worker
from services.scheduler.core.nodes import count_that_fit
from services.scheduler.core.records import NONE, Records, State
from services.scheduler.core.scoring import IMPOSSIBLE, cards_for, refresh, score_node


@kernel
def place(state: State, rule: int, job: int, count: int, now: float) -> bool:
    """Place `count` workers of the job together; False, and nothing done, when they do not fit."""
    shape = state.buckets[state.jobs[job].bucket].shape
    refresh(state, shape, rule)
    if count == 1:
        return place_one(state, job, shape, now)
    if count_all(state, job, shape, now) < count:
        return False
    narrow_to_domain(state.nodes, count)
    free = np.empty(state.nodes[0].free.shape[0], np.int64)
    while count > 0:
        node = fullest(state, shape, count)
        here = min(state.nodes[node].count, count)
        for _ in range(here):
            score_node(state, shape, node, rule, free)  # each worker changes which card of the node is best
            cards = cards_for(state.nodes[node], state.shapes[shape], state.card[shape, node])
            start_worker(state, job, shape, node, cards, now)
        state.nodes[node].count = 0
        count -= here
    return True


@kernel
def fullest(state: State, shape: int, count: int) -> int:
    """The node that holds most of what is missing; among equals the one with the best score."""
    best = NONE
    most = 0
    for node in range(state.nodes.shape[0]):
        here = min(state.nodes[node].count, count)
        if here > most or (here == most and here > 0 and state.score[shape, node] > state.score[shape, best]):
            best = node
            most = here
    return best


@kernel
def count_all(state: State, job: int, shape: int, now: float) -> int:
    """How many workers of the job fit now; for each node in its `count`."""
    total = 0
    for node in range(state.nodes.shape[0]):
        here = 0
        if state.score[shape, node] > IMPOSSIBLE and lets_in(state, job, node, now):
            here = count_that_fit(state.nodes[node], state.shapes[shape])
        state.nodes[node].count = here
        total += here
    return total


@kernel
def lets_in(state: State, job: int, node: int, now: float) -> bool:
    """Whether the node's reservation, if any, is the job's own, or begins when the job is expected to have ended."""
    lock = state.nodes[node].lock
    if lock == NONE or state.reservations[lock].job == job:
        return True
    return now + state.jobs[job].estimate <= state.reservations[lock].start


@kernel
def spares(node: Records, shape: Records) -> bool:
    """Whether the node's reservation leaves room for a worker that stays."""
    for resource in range(shape.need.shape[0]):
        if shape.need[resource] > node.spare[resource]:
            return False
    return shape.cards <= node.spare_cards


@kernel
def narrow_to_domain(nodes: Records, count: int) -> None:
    """Keep to the network domain that holds the gang most tightly, when there is one."""
    room = np.zeros(nodes.shape[0], np.int64)
    for node in range(nodes.shape[0]):
        room[nodes[node].domain] += nodes[node].count
    best = NONE
    for domain in range(room.shape[0]):
        if room[domain] >= count and (best == NONE or room[domain] < room[best]):
            best = domain
    if best != NONE:
        for node in range(nodes.shape[0]):
            if nodes[node].domain != best:
                nodes[node].count = 0


@kernel
def place_one(state: State, job: int, shape: int, now: float) -> bool:
    node = best_node(state, job, shape, now)
    if node == NONE:
        return False
    wanted = state.shapes[shape]
    if not lets_in(state, job, node, now):
        for resource in range(wanted.need.shape[0]):
            state.nodes[node].spare[resource] -= wanted.need[resource]
        state.nodes[node].spare_cards -= wanted.cards
    start_worker(state, job, shape, node, cards_for(state.nodes[node], wanted, state.card[shape, node]), now)
    return True


@kernel
def best_node(state: State, job: int, shape: int, now: float) -> int:
    """The node with the best score that no reservation keeps from the job; the first by name among equals."""
    best = NONE
    highest = IMPOSSIBLE
    score = state.score[shape]
    guarded = state.pool[0].reserved > 0
    for node in range(score.shape[0]):
        if score[node] > highest:
            if guarded and not lets_in(state, job, node, now) and not spares(state.nodes[node], state.shapes[shape]):
                continue
            highest = score[node]
            best = node
    return best
