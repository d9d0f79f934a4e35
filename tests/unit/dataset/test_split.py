from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from services.dataset.domain import Splitter

counts_of_classes = st.dictionaries(st.text(min_size=1, max_size=5), st.integers(2, 200), min_size=1, max_size=6)
shares = st.floats(0.001, 0.999)
seeds = st.integers(-(2**63), 2**63 - 1)


def split(counts: dict[str, int], share: float, seed: int) -> list[tuple[str, str]]:
    splitter = Splitter(counts, share, seed)
    return [(name, splitter.split_of_next(name)) for name, count in counts.items() for _ in range(count)]


@given(counts_of_classes, shares, seeds)
def test_every_class_has_its_share_and_at_least_one_on_each_side(
    counts: dict[str, int], share: float, seed: int
) -> None:
    found = Counter(split(counts, share, seed))
    for name, count in counts.items():
        train, test = found[name, "train"], found[name, "test"]
        assert train + test == count
        assert train >= 1
        assert test >= 1
        assert abs(train - count * share) <= 1


@given(counts_of_classes, shares, seeds)
def test_the_same_arguments_give_the_same_split(counts: dict[str, int], share: float, seed: int) -> None:
    backwards = dict(reversed(counts.items()))
    assert sorted(split(counts, share, seed)) == sorted(split(backwards, share, seed))
    assert split(counts, share, seed) == split(counts, share, seed)


def test_the_split_is_the_same_on_every_machine_and_release() -> None:
    splitter = Splitter({"a": 10}, 0.7, 1)
    assert "".join(splitter.split_of_next("a")[1] for _ in range(10)) == "rrrerrrree"


def test_other_seeds_and_other_classes_give_other_splits() -> None:
    def drawn(name: str, seed: int) -> list[str]:
        splitter = Splitter({name: 100}, 0.5, seed)
        return [splitter.split_of_next(name) for _ in range(100)]

    assert drawn("a", 1) != drawn("a", 2)
    assert drawn("a", 1) != drawn("b", 1)


def test_classes_may_be_mixed_in_the_order_of_the_samples() -> None:
    blocks, mixed = Splitter({"a": 5, "b": 5}, 0.6, 3), Splitter({"a": 5, "b": 5}, 0.6, 3)
    in_blocks = {name: [blocks.split_of_next(name) for _ in range(5)] for name in "ab"}
    in_turns: dict[str, list[str]] = {"a": [], "b": []}
    for _ in range(5):
        for name in "ab":
            in_turns[name].append(mixed.split_of_next(name))
    assert in_turns == in_blocks
