"""Makes the records of the allocation from what it is told."""

from collections.abc import Mapping, Sequence

import numpy as np

from services.scheduler.core.fragmentation import measure
from services.scheduler.core.records import (
    BUCKET,
    CLASS,
    GANG,
    JOB,
    NONE,
    RESERVATION,
    UNLIMITED,
    WHOLE,
    WORKER,
    Floats,
    Ints,
    Records,
    Sizes,
    State,
    node_record,
    pool_record,
    popular_record,
    queue_record,
    shape_record,
)
from services.scheduler.core.specs import NodeSpec, QueueSpec, Shape

_LOG = 1 << 12
_CARDS = 8
_CLASSES = 32

Kind = tuple[frozenset[tuple[str, str]], frozenset[str]]


def state_of(
    nodes: Sequence[NodeSpec], queues: Sequence[QueueSpec], popular: Mapping[Shape, float], reservations: int
) -> State:
    """Nothing runs and nothing waits. Lists that grow have one place."""
    classes, shapes = popular_of(popular)
    sizes = Sizes(
        resources=len(nodes[0].amounts),
        cards=_rounded(max(node.cards for node in nodes), _CARDS),
        classes=_rounded(len(classes), _CLASSES),
    )
    made = nodes_of(nodes, sizes)
    listed = np.zeros(len(shapes), popular_record(sizes))
    for at, shape in enumerate(shapes):
        listed[at]["need"] = shape.amounts
    weight = weights_of(nodes, shapes, popular)
    for node in made:
        measure(node, classes, listed, weight)
    return State(
        nodes=made,
        shapes=np.zeros(1, shape_record(sizes)),
        eligible=np.zeros((1, len(weight)), np.bool_),
        classes=classes,
        popular=listed,
        weight=weight,
        queues=queues_of(queues, sizes),
        jobs=empty(1, JOB),
        buckets=empty(1, BUCKET),
        gangs=empty(1, GANG),
        workers=empty(1, WORKER),
        reservations=empty(reservations, RESERVATION),
        pool=pool_of(made, sizes),
        score=np.zeros((1, len(nodes))),
        card=np.zeros((1, len(nodes)), np.int64),
        log=np.zeros(_LOG, np.int64),
        placed=np.zeros(1, np.int64),
    )


def _rounded(count: int, step: int) -> int:
    """Up, since other sizes of records are other machine code."""
    return max(-(-count // step), 1) * step


def empty(count: int, record: np.dtype[np.void], *rest: int) -> Records:
    """Places that point nowhere; of what is no record, zeros. `rest` are further axes."""
    made = np.zeros((count, *rest), record)
    for name in record.names or ():
        if record[name] == np.int64:
            made[name] = NONE
    return made


def kinds_of(nodes: Sequence[NodeSpec]) -> dict[Kind, NodeSpec]:
    """One node for each combination of labels and taints."""
    return {(node.labels, node.taints): node for node in reversed(nodes)}


def nodes_of(nodes: Sequence[NodeSpec], sizes: Sizes) -> Records:
    kinds = {kind: at for at, kind in enumerate(kinds_of(nodes))}
    domains = {domain: at for at, domain in enumerate(sorted({node.domain for node in nodes}))}
    made = np.zeros(len(nodes), node_record(sizes))
    made["capacity"] = made["free"] = [node.amounts for node in nodes]
    made["cards"] = [node.cards for node in nodes]
    made["cards_free"] = made["cards"] * WHOLE
    made["card_memory"] = [node.card_memory for node in nodes]
    there = np.arange(sizes.cards) < made["cards"][:, np.newaxis]
    made["card_free"] = there * WHOLE
    made["card_memory_free"] = there * made["card_memory"][:, np.newaxis]
    made["kind"] = [kinds[node.labels, node.taints] for node in nodes]
    made["domain"] = [domains[node.domain] for node in nodes]
    made["lock"] = NONE
    return made


def pool_of(nodes: Records, sizes: Sizes) -> Records:
    made = np.zeros(1, pool_record(sizes))
    cards, memory = nodes["cards"].sum() * WHOLE, (nodes["cards"] * nodes["card_memory"]).sum()
    made["capacity"] = made["free"] = [*nodes["capacity"].sum(axis=0), cards, memory]
    made["least"] = UNLIMITED
    made["clock"] = made["freed"] = 1
    made["free_worker"] = NONE
    return made


def popular_of(popular: Mapping[Shape, float]) -> tuple[Records, list[Shape]]:
    """Classes of the shapes that need cards, and these in their order."""
    shapes = sorted((shape for shape in popular if shape.cards), key=_order)
    groups = sorted({_class(shape) for shape in shapes})
    classes = np.zeros(len(groups), CLASS)
    for at, group in enumerate(groups):
        members = [index for index, shape in enumerate(shapes) if _class(shape) == group]
        classes[at] = (*group, members[0], members[-1] + 1, 0.0)
    return classes, shapes


def _class(shape: Shape) -> tuple[int, int]:
    return shape.card_share, shape.cards


def _order(shape: Shape) -> tuple[object, ...]:
    labels = sorted((name, sorted(values)) for name, values in shape.labels)
    return (*_class(shape), shape.amounts, shape.card_memory, labels, sorted(shape.tolerates))


def weights_of(nodes: Sequence[NodeSpec], shapes: Sequence[Shape], popular: Mapping[Shape, float]) -> Floats:
    total = sum(popular.values()) or 1.0
    weight = np.zeros((len(kinds_of(nodes)), len(shapes)))
    for kind, node in enumerate(kinds_of(nodes).values()):
        weight[kind] = [popular[shape] / total if shape.allowed_on(node) else 0.0 for shape in shapes]
    return weight


def in_order(queues: Sequence[QueueSpec]) -> list[QueueSpec]:
    """The root, then parents before their children, siblings by name."""
    children: dict[str, list[QueueSpec]] = {}
    for queue in sorted(queues, key=lambda queue: queue.name):
        children.setdefault(queue.parent, []).append(queue)
    order = [QueueSpec("")]
    for queue in order:  # it grows while it is read
        order += children.pop(queue.name, [])
    return order


def queues_of(queues: Sequence[QueueSpec], sizes: Sizes) -> Records:
    order = in_order(queues)
    index = {queue.name: at for at, queue in enumerate(order)}
    made = empty(len(order), queue_record(sizes))
    for at in range(len(order) - 1, 0, -1):
        parent = index[order[at].parent]
        made[at]["parent"], made[at]["next_sibling"] = parent, made[parent]["first_child"]
        made[parent]["first_child"] = at
    made["weight"] = [queue.weight for queue in order]
    made["guarantee"] = [_amounts(queue.guarantee, 0, sizes) for queue in order]
    made["quota"] = [_amounts(queue.quota, UNLIMITED, sizes) for queue in order]
    return made


def _amounts(given: Sequence[int] | None, otherwise: int, sizes: Sizes) -> Ints:
    return np.array(given if given is not None else [otherwise] * sizes.dimensions, np.int64)
