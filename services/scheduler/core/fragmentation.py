"""How much of the free cards nobody could use: the measure of FGD (Weng et al., ATC 2023).

A card's free part is a fragment for a worker that cannot use it; the measure of a node is the sum over the popular
workers, weighed by how often they come. What the node-level resources allow of a class is summed once, and then holds
for every choice of a card.
"""

from services.scheduler.core.compiled import kernel
from services.scheduler.core.records import WHOLE, Floats, Ints, Records


@kernel
def measure(node: Records, classes: Records, popular: Records, weight: Floats) -> None:
    """Take the node's measure anew."""
    for group in range(classes.shape[0]):
        share = classes[group].share
        at_least = 0
        below = 0
        for card in range(node.cards):
            if node.card_free[card] >= share:
                at_least += 1
            else:
                below += node.card_free[card]
        node.at_least[group] = at_least
        node.below[group] = below
    allow(classes, popular, weight[node.kind], node.free)
    node.fragmentation = after(node, classes, 0, 0, 0)


@kernel
def allow(classes: Records, popular: Records, weight: Floats, free: Ints) -> None:
    """Sum up what the node-level resources `free` [R] allow of each class, by the weights [P]."""
    for group in range(classes.shape[0]):
        usable = 0.0
        for at in range(classes[group].first, classes[group].end):
            good = True
            for resource in range(free.shape[0]):
                good &= popular[at].need[resource] <= free[resource]
            usable += weight[at] if good else 0.0
        classes[group].usable = usable


@kernel
def after(node: Records, classes: Records, wholes: int, before: int, left: int) -> float:
    """The measure once `wholes` free cards are taken, and one has `left` of `before`, with what `allow` has summed."""
    total = node.cards_free - wholes * WHOLE - (before - left)
    useful = 0.0
    for group in range(classes.shape[0]):
        share = classes[group].share
        enough = node.at_least[group] - wholes
        lost = node.below[group]
        if before >= share:
            if left < share:
                enough -= 1
                lost += left
        else:
            lost -= before - left
        if enough >= classes[group].cards:
            useful += classes[group].usable * (total - lost)
    return total - useful
