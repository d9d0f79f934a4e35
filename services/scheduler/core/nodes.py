"""What fits on a node, and what taking and giving back does to it.

Cards are kept one by one, since a free half on each of two cards is no free card.
"""

from services.scheduler.core.compiled import kernel
from services.scheduler.core.records import WHOLE, Bools, Ints, Records


@kernel
def fits(node: Records, shape: Records) -> bool:
    """Whether one worker fits now, if the node may take it."""
    for resource in range(shape.need.shape[0]):
        if node.free[resource] < shape.need[resource]:
            return False
    missing = shape.cards
    if missing == 0:
        return True
    if node.cards_free < missing * shape.share:
        return False
    for card in range(node.cards):
        if card_fits(node, card, shape):
            missing -= 1
            if missing == 0:
                return True
    return False


@kernel
def card_fits(node: Records, card: int, shape: Records) -> bool:
    return node.card_free[card] >= shape.share and node.card_memory_free[card] >= shape.card_memory


@kernel
def count_that_fit(node: Records, shape: Records) -> int:
    """How many workers fit together, if the node may take them."""
    most = shape.per_node
    for resource in range(shape.need.shape[0]):
        if shape.need[resource] > 0:
            most = min(most, node.free[resource] // shape.need[resource])
    if shape.cards == 0 or most <= 0:
        return max(most, 0)
    slots = 0
    for card in range(node.cards):
        room = node.card_free[card] // shape.share
        if shape.card_memory > 0:
            room = min(room, node.card_memory_free[card] // shape.card_memory)
        slots += room
    return min(most, slots // shape.cards)


@kernel
def hold(nodes: Records, shape: Records, eligible: Bools, count: int) -> bool:
    """Whether the nodes would hold so many workers if nothing ran. `eligible` [M] is by the kind of the node."""
    total = 0
    empty = nodes.copy()
    for at in range(empty.shape[0]):
        node = empty[at]
        if eligible[node.kind]:
            for resource in range(node.free.shape[0]):
                node.free[resource] = node.capacity[resource]
            for card in range(node.cards):
                node.card_free[card] = WHOLE
                node.card_memory_free[card] = node.card_memory
            total += count_that_fit(node, shape)
    return total >= count


@kernel
def move(node: Records, shape: Records, cards: int, sign: int) -> None:
    """Take (-1) or give back (1) what one worker needs, on the cards of the bit set."""
    for resource in range(shape.need.shape[0]):
        node.free[resource] += sign * shape.need[resource]
    memory = node.card_memory if shape.share == WHOLE else shape.card_memory
    for card in range(node.cards):
        if cards >> card & 1:
            node.card_free[card] += sign * shape.share
            node.card_memory_free[card] += sign * memory
            node.cards_free += sign * shape.share


@kernel
def touch(nodes: Records, pool: Records, log: Ints, node: int) -> None:
    """Note that something about the node has changed."""
    pool[0].clock += 1
    nodes[node].changed = pool[0].clock
    log[pool[0].clock % log.shape[0]] = node
