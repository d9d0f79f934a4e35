"""The records that the kernels work on: one array for each kind of thing, and numbers that point from one to another.

`R` node-level resources (thousandths of cores, bytes of memory, others by configuration), `G` cards a node, `C` classes
of popular workers, and `D = R + 2` dimensions of shares: the resources, thousandths of cards, bytes of their memory.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

NONE = -1
"""Points nowhere."""
WHOLE = 1000
"""Thousandths of a card."""
MAX_CARDS = 62
"""Cards of one node: they are told as bits of a number."""
UNLIMITED = np.iinfo(np.int64).max

Records = Any
"""An array of records, or one of them: numpy's types do not tell its fields."""
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_INT, _FLOAT = np.int64, np.float64


class State(NamedTuple):
    """Everything that a round works on."""

    nodes: Records
    """[N] in the order of their names"""
    shapes: Records
    """[S] kinds of workers that were ever asked for"""
    eligible: Bools
    """[S, M] whether a shape may run on a kind of nodes (of equal labels and taints)"""
    classes: Records
    """[C] of popular workers: those that ask for the same number of equal shares of cards"""
    popular: Records
    """[P] in the order of their classes"""
    weight: Floats
    """[M, P] how often it comes, on each kind of nodes; 0 where it may not run. All together weigh 1, with those that
    need no card, which are not in the list."""
    queues: Records
    """[Q] the root first, parents before children, siblings by name"""
    jobs: Records
    """[J] places for jobs"""
    buckets: Records
    """[B] lines of waiting jobs that are alike: of one queue, one shape, one size of gang"""
    gangs: Records
    """[K] shapes and sizes of gangs, whatever the queue"""
    workers: Records
    """[W] places for workers that run"""
    reservations: Records
    """[V] places for reservations"""
    pool: Records
    """[1] what is counted over all nodes"""
    score: Floats
    """[S, N] how well the node suits the shape; -inf where it does not fit"""
    card: Ints
    """[S, N] the card for a share of one"""
    log: Ints
    """[a power of two] the node of each of the last changes"""
    placed: Ints
    """[J] what the round has placed, in order"""


@dataclass(frozen=True)
class Sizes:
    resources: int
    cards: int
    classes: int

    @property
    def dimensions(self) -> int:
        return self.resources + 2


def node_record(sizes: Sizes) -> np.dtype[np.void]:
    return np.dtype(
        [
            ("capacity", _INT, (sizes.resources,)),
            ("free", _INT, (sizes.resources,)),
            ("cards", _INT),
            ("card_memory", _INT),  # of each
            ("card_free", _INT, (sizes.cards,)),  # thousandths
            ("card_memory_free", _INT, (sizes.cards,)),
            ("cards_free", _INT),  # thousandths of all cards
            ("kind", _INT),  # number of its labels and taints
            ("domain", _INT),  # of the network
            ("changed", _INT),  # number of its last change
            ("at_least", _INT, (sizes.classes,)),  # cards that have the share of a class free
            ("below", _INT, (sizes.classes,)),  # thousandths that are free on the others
            ("fragmentation", _FLOAT),  # thousandths of cards
            ("lock", _INT),  # the reservation that holds it
            ("spare", _INT, (sizes.resources,)),  # what that leaves at its start
            ("spare_cards", _INT),  # whole ones
            ("count", _INT),  # scratch: workers that fit
        ]
    )


def shape_record(sizes: Sizes) -> np.dtype[np.void]:
    return np.dtype(
        [
            ("need", _INT, (sizes.resources,)),
            ("cards", _INT),
            ("share", _INT),  # thousandths of each card; less than 1000 only for one card
            ("card_memory", _INT),  # of each
            ("per_node", _INT),  # workers of one gang that a node may take
            ("charge", _INT, (sizes.dimensions,)),  # what one worker counts for
            ("seen", _INT),  # the change up to which its scores are right; 0 for none
        ]
    )


CLASS = np.dtype([("share", _INT), ("cards", _INT), ("first", _INT), ("end", _INT), ("usable", _FLOAT)])


def popular_record(sizes: Sizes) -> np.dtype[np.void]:
    return np.dtype([("need", _INT, (sizes.resources,))])


def queue_record(sizes: Sizes) -> np.dtype[np.void]:
    return np.dtype(
        [
            ("parent", _INT),
            ("first_child", _INT),
            ("next_sibling", _INT),
            ("first_bucket", _INT),
            ("head_bucket", _INT),  # the one whose head is next; none when nothing may fit
            ("blocked", _INT),  # nothing of the subtree can be placed in this round
            ("weight", _FLOAT),
            ("share", _FLOAT),  # weighted and dominant
            ("guarantee", _INT, (sizes.dimensions,)),
            ("quota", _INT, (sizes.dimensions,)),
            ("used", _INT, (sizes.dimensions,)),  # of the whole subtree
            ("scaled", _FLOAT, (sizes.dimensions,)),  # used by the rule of H-DRF
        ]
    )


JOB = np.dtype(
    [
        ("queue", _INT),
        ("bucket", _INT),
        ("overtaken", _INT),  # something smaller was placed while it was the first of its queue
        ("next", _INT),  # behind it in its bucket
        ("previous", _INT),
        ("reservation", _INT),
        ("first_worker", _INT),
        ("workers", _INT),
        ("rank", _FLOAT),  # the order within its queue, least first
        ("submitted", _FLOAT),  # seconds, as all times
        ("estimate", _FLOAT),  # how long it is expected to run
        ("asks_from", _FLOAT),  # from when it may reserve
    ]
)
BUCKET = np.dtype(
    [
        ("queue", _INT),
        ("shape", _INT),
        ("gang", _INT),
        ("minimum", _INT),
        ("maximum", _INT),
        ("head", _INT),
        ("tail", _INT),
        ("next_of_queue", _INT),
        ("failed", _INT),  # the change at which none of its jobs fitted
        ("holds", _INT),  # whether the empty pool holds such a gang
        ("size", _FLOAT),  # dominant share of the pool that such a gang takes
    ]
)
GANG = np.dtype([("failed", _INT)])  # the change at which it did not fit, reserved nodes included
WORKER = np.dtype(
    [
        ("job", _INT),
        ("node", _INT),
        ("shape", _INT),
        ("cards", _INT),  # bit set
        ("next", _INT),  # of the same job; of the places that are free
        ("started", _FLOAT),
        ("ends", _FLOAT),  # as estimated
    ]
)
RESERVATION = np.dtype([("job", _INT), ("planned", _INT), ("start", _FLOAT)])


def pool_record(sizes: Sizes) -> np.dtype[np.void]:
    return np.dtype(
        [
            ("clock", _INT),  # number of the last change
            ("freed", _INT),  # number of the last change that freed something
            ("free_worker", _INT),  # the first place that is free
            ("reserved", _INT),  # reservations that are held
            ("capacity", _INT, (sizes.dimensions,)),
            ("free", _INT, (sizes.dimensions,)),
            ("least", _INT, (sizes.dimensions,)),  # that any shape needs of it: with less left, it is used up
            ("saturated", _INT, (sizes.dimensions,)),
        ]
    )
