"""The cache of parsed indexes."""

import pytest

from services.dataset.adapters import content
from services.kernel.errors import NotFound
from services.kernel.values import BundleRef
from tests.fakes.object_store import FakeStore


def stored(bundles: content.StoredBundles, name: str, count: int) -> BundleRef:
    return bundles.write((f"samples/{name}/{at}", f"{name}{at}".encode(), {"class": name}) for at in range(count))


@pytest.fixture
def bundles(monkeypatch: pytest.MonkeyPatch) -> content.StoredBundles:
    monkeypatch.setattr(content, "CACHED_SAMPLES", 5)
    return content.StoredBundles(FakeStore())


def test_the_indexes_used_last_are_kept(bundles: content.StoredBundles) -> None:
    first, second, third = (stored(bundles, name, 2) for name in "abc")
    kept = bundles.samples(first)
    bundles.samples(second)
    assert bundles.samples(first) is kept
    bundles.samples(third)
    assert bundles.samples(first) is kept, "the second was used longest ago"
    again = bundles.samples(second)
    assert [sample.class_name for sample in again] == ["b", "b"]


def test_large_indexes_are_read_as_a_stream(bundles: content.StoredBundles) -> None:
    large = stored(bundles, "x", 6)
    assert bundles.samples(large) is not bundles.samples(large)
    assert [sample.path for sample in bundles.samples(large)] == [f"samples/x/{at}" for at in range(6)]
    assert [sample.split for sample in bundles.samples(large)] == ["train"] * 6


@pytest.mark.parametrize("count", [3, 6], ids=["cached", "too large to be cached"])
def test_the_content_of_one_sample(bundles: content.StoredBundles, count: int) -> None:
    ref = stored(bundles, "x", count)
    assert [bundles.content(ref, f"samples/x/{at}") for at in range(count)] == [
        f"x{at}".encode() for at in range(count)
    ]
    with pytest.raises(NotFound) as caught:
        bundles.content(ref, "samples/../secret")
    assert caught.value.reason == "FILE_NOT_FOUND"
