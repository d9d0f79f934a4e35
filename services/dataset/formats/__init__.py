"""Layouts of archives. A new one is a file here and a line in `FORMATS`."""

from services.dataset.formats.dir import DirFormat
from services.dataset.ports import Format

FORMATS: dict[str, Format] = {
    "dir": DirFormat(),
}


class Registry:
    """The formats of this release."""

    def find(self, name: str) -> Format | None:
        return FORMATS.get(name)
