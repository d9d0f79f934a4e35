"""The console's own tests, and how much a browser has to load."""

import gzip
import re
from pathlib import Path

import pytest

from deploy.embedded import console

FIRST_LOAD_LIMIT = 400 * 1000  # bytes, compressed
ASSETS = console.BUILT / "assets"
_IMPORTS = re.compile(r"""(?:from|import)\s*["']\./([\w.-]+\.js)["']""")
_LAZY = re.compile(r"""import\(\s*["'`]\./([\w.-]+\.js)["'`]""")


@pytest.mark.timeout(900)
def test_components() -> None:
    console.test()


def loaded_with(name: str, seen: set[str]) -> set[str]:
    """The file and all that it imports at once."""
    if name not in seen:
        seen.add(name)
        for imported in _IMPORTS.findall((ASSETS / name).read_text()):
            loaded_with(imported, seen)
    return seen


def test_no_page_loads_more_than_its_share() -> None:
    index = (console.BUILT / "index.html").read_text()
    first: set[str] = set()
    for name in re.findall(r"assets/([\w.-]+\.js)", index):
        loaded_with(name, first)
    pages = [name for file in sorted(first) for name in _LAZY.findall((ASSETS / file).read_text()) if "Page-" in name]
    assert len(pages) > 10
    sizes = {name: size(loaded_with(name, set(first))) for name in pages}
    for name, bytes_ in sorted(sizes.items(), key=lambda item: -item[1]):
        print(f"{bytes_ / 1000:7.0f} kB {name}")
    assert max(sizes.values()) < FIRST_LOAD_LIMIT


def size(names: set[str]) -> int:
    return sum(compressed(ASSETS / name) for name in names)


def compressed(path: Path) -> int:
    packed = path.with_name(f"{path.name}.gz")
    assert gzip.decompress(packed.read_bytes()) == path.read_bytes()
    return packed.stat().st_size
