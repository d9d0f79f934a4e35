"""Sets of byte strings too large for memory: kept in files, one a shard, and read back one shard at a time."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

_BUFFERED = 32 * 1024  # bytes of one shard that are held back


class SpilledSet:
    """Values of `width` bytes in shards. Shard names are those of object folders, as `blobs/ab`."""

    def __init__(self, folder: Path, width: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._width = width
        self._buffers: dict[str, bytearray] = defaultdict(bytearray)

    def add(self, shard: str, value: bytes) -> None:
        if len(value) != self._width:
            raise ValueError(f"{self._width} bytes were expected, not {len(value)}")
        buffer = self._buffers[shard]
        buffer += value
        if len(buffer) >= _BUFFERED:
            self._write(shard)

    def load(self, shard: str) -> set[bytes]:
        """The values of one shard, each once."""
        self._write(shard)
        try:
            content = self._path(shard).read_bytes()
        except FileNotFoundError:
            return set()
        return {content[at : at + self._width] for at in range(0, len(content), self._width)}

    def shards(self) -> Iterator[str]:
        """Those that hold something, in order."""
        yield from sorted(self._buffers)

    def _path(self, shard: str) -> Path:
        return self._folder / shard.replace("/", "+")

    def _write(self, shard: str) -> None:
        if buffer := self._buffers.get(shard):
            with self._path(shard).open("ab") as file:
                file.write(buffer)
            buffer.clear()
