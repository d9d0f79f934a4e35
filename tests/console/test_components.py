"""The console's own tests, and how much a browser has to load."""

import gzip

import pytest

from deploy.embedded import console

FIRST_LOAD_LIMIT = 400 * 1000  # bytes, compressed


@pytest.mark.timeout(900)
def test_components() -> None:
    console.test()


def test_no_page_loads_more_than_its_share() -> None:
    sizes = console.first_loads()
    assert len(sizes) > 10
    for name, bytes_ in sorted(sizes.items(), key=lambda item: -item[1]):
        print(f"{bytes_ / 1000:7.0f} kB {name}")
    assert max(sizes.values()) < FIRST_LOAD_LIMIT


def test_what_is_sent_compressed_is_the_same() -> None:
    scripts = list(console.ASSETS.glob("*.js"))
    assert scripts
    for script in scripts:
        assert gzip.decompress(script.with_name(f"{script.name}.gz").read_bytes()) == script.read_bytes()
