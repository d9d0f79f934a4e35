"""The policies that are compared, and what they decide on."""

from collections import Counter
from collections.abc import Iterable, Mapping

from services.scheduler.core.allocator import MODELYARD
from services.scheduler.core.rounds import Policy
from services.scheduler.core.scoring import BALANCED, BEST_FIT, DOT_PRODUCT, FIRST_FIT, FRAGMENTATION
from services.scheduler.core.specs import Shape

NEVER = 1e15
PATIENCE_S = 6 * 3600.0
POPULAR = 0.95
"""Of all workers; the rarer ones say little about what will come."""


def _by_order(rule: int, *, strict: bool = True) -> Policy:
    return Policy(rule=rule, fair=False, strict=strict, epsilon=1.0, patience_s=NEVER)


POLICIES: Mapping[str, Policy] = {
    "fifo": _by_order(FIRST_FIT),
    "drf": MODELYARD._replace(rule=FIRST_FIT, patience_s=NEVER),
    "dot_product": _by_order(DOT_PRODUCT),
    "best_fit": _by_order(BEST_FIT),
    "fgd": _by_order(FRAGMENTATION),
    "ours": MODELYARD._replace(rule=BALANCED, patience_s=PATIENCE_S),
}


def popular_of(shapes: Iterable[Shape]) -> dict[Shape, float]:
    """How often the commonest shapes come, until they are 95 % of all."""
    counts = Counter(shapes)
    found: dict[Shape, float] = {}
    for shape, count in sorted(counts.items(), key=lambda item: (-item[1], repr(item[0]))):
        if sum(found.values()) >= POPULAR * counts.total():
            break
        found[shape] = float(count)
    return found
