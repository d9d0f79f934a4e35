"""Which node suits a worker best: a score for every shape and node, taken anew only where something changed."""

import numpy as np

from services.scheduler.core.compiled import kernel
from services.scheduler.core.fragmentation import after, allow
from services.scheduler.core.nodes import card_fits, fits
from services.scheduler.core.records import NONE, WHOLE, Ints, Records, State

FIRST_FIT, BEST_FIT, DOT_PRODUCT, FRAGMENTATION, BALANCED = range(5)
"""Rules. The last is the scheduler's own; the others are what it is measured against."""
BUCKET = 160.0
"""Thousandths of a card: differences of fragmentation below it are noise; among them balance decides."""
_SPREAD = 16.0
"""More than any imbalance, so that the buckets stay in order."""
IMPOSSIBLE = -np.inf


@kernel
def refresh(state: State, shape: int, rule: int) -> None:
    """Make the scores of the shape right."""
    seen = state.shapes[shape].seen
    clock = state.pool[0].clock
    everything = seen == 0 or clock - seen > state.log.shape[0]
    free = np.empty(state.nodes[0].free.shape[0], np.int64)
    for at in range(state.nodes.shape[0] if everything else clock - seen):
        change = seen + 1 + at
        node = at if everything else state.log[change % state.log.shape[0]]
        if everything or state.nodes[node].changed == change:  # else it has changed once more
            score_node(state, shape, node, rule, free)
    state.shapes[shape].seen = clock


@kernel
def score_node(state: State, shape: int, node: int, rule: int, free: Ints) -> None:
    state.score[shape, node] = IMPOSSIBLE
    state.card[shape, node] = NONE
    wanted = state.shapes[shape]
    offered = state.nodes[node]
    if not state.eligible[shape, offered.kind] or not fits(offered, wanted):
        return
    partial = wanted.cards == 1 and wanted.share < WHOLE
    if rule >= FRAGMENTATION:
        for resource in range(free.shape[0]):
            free[resource] = offered.free[resource] - wanted.need[resource]
        allow(state.classes, state.popular, state.weight[offered.kind], free)
        if partial:
            card, left = best_card(state.classes, offered, wanted)
            state.card[shape, node] = card
        else:
            left = after(offered, state.classes, wanted.cards, 0, 0)
        state.score[shape, node] = by_fragmentation(offered, wanted, free, offered.fragmentation - left, rule)
        return
    if partial:
        state.card[shape, node] = tightest_card(offered, wanted)
    state.score[shape, node] = -float(node) if rule == FIRST_FIT else by_size(offered, wanted, rule)


@kernel
def best_card(classes: Records, node: Records, shape: Records) -> tuple[int, float]:
    """The card on which a share leaves the least fragmentation, and that."""
    best = NONE
    least = np.inf
    for card in range(node.cards):
        if card_fits(node, card, shape) and first_of_its_kind(node, card):
            left = after(node, classes, 0, node.card_free[card], node.card_free[card] - shape.share)
            if left < least:
                least = left
                best = card
    return best, least


@kernel
def first_of_its_kind(node: Records, card: int) -> bool:
    """Whether no earlier card has the same left, so that trying this one says anything new."""
    for earlier in range(card):
        if (
            node.card_free[earlier] == node.card_free[card]
            and node.card_memory_free[earlier] == node.card_memory_free[card]
        ):
            return False
    return True


@kernel
def by_fragmentation(node: Records, shape: Records, free: Ints, descent: float, rule: int) -> float:
    if rule == FRAGMENTATION:
        return np.floor(100.0 / (1.0 + np.exp(-descent / 1000.0)))
    return np.floor(descent / BUCKET) * _SPREAD - imbalance(node, free, node.cards_free - shape.cards * shape.share)


@kernel
def imbalance(node: Records, free: Ints, cards_free: int) -> float:
    """How far the free shares of the node's resources lie apart: the sum of squares around their mean."""
    count = 0
    total = 0.0
    squares = 0.0
    for resource in range(free.shape[0]):
        if node.capacity[resource] > 0:
            share = free[resource] / node.capacity[resource]
            total += share
            squares += share * share
            count += 1
    if node.cards > 0:
        share = cards_free / (node.cards * WHOLE)
        total += share
        squares += share * share
        count += 1
    return squares - total * total / count if count else 0.0


@kernel
def tightest_card(node: Records, shape: Records) -> int:
    best = NONE
    for card in range(node.cards):
        if card_fits(node, card, shape) and (best == NONE or node.card_free[card] < node.card_free[best]):
            best = card
    return best


@kernel
def by_size(node: Records, shape: Records, rule: int) -> float:
    """What is left over the resources (best fit, less is better), or free times needed (dot product)."""
    total = by_amount(node.cards_free, shape.cards * shape.share, node.cards * WHOLE, rule)
    for resource in range(node.free.shape[0]):
        total += by_amount(node.free[resource], shape.need[resource], node.capacity[resource], rule)
    return total


@kernel
def by_amount(free: int, need: int, capacity: int, rule: int) -> float:
    if capacity == 0:
        return 0.0
    if rule == BEST_FIT:
        return (need - free) / capacity
    return free / capacity * (need / capacity)


@kernel
def cards_for(node: Records, shape: Records, card: int) -> int:
    """The cards that one worker gets, as a bit set: the chosen one of a share, else the first free ones."""
    if card != NONE:
        return 1 << card
    chosen = 0
    missing = shape.cards
    for at in range(node.cards):
        if missing > 0 and card_fits(node, at, shape):
            chosen |= 1 << at
            missing -= 1
    return chosen
