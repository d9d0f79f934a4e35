"""Reads lists of jobs and nodes in the formats of published traces, plain or gzip.

The columns say which format a file has: pods and nodes of Alibaba's GPU trace of 2023, Philly's virtual clusters as
Gavel carries them, or Tiresias' list. What a file does not say is made from a seed.
"""

import csv
import gzip
import io
import math
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from services.scheduler.core.records import MAX_CARDS, WHOLE
from services.scheduler.core.specs import NodeSpec, Shape

MIB = 1 << 20
LONGEST_S = 14 * 86400.0
"""Philly's longest jobs are cut to two weeks: what 343 of 15 264 ran beyond is a fifth of all the GPU time, and
they are what the mean would tell of."""
CORES_A_CARD, MEMORY_A_CARD = 6000, 48 << 30
NODE_CORES, NODE_MEMORY = 96_000, 768 << 30
_CARDS = "gpu-model"


class TraceError(Exception):
    """A file is not what it should be; the message names file, line and column."""


@dataclass(frozen=True)
class TraceJob:
    """`duration` in seconds, None where the trace cannot say it; `tenant` may have been made."""

    shape: Shape
    workers: int
    submitted: float
    duration: float | None
    tenant: str

    @property
    def cards(self) -> float:
        return self.workers * self.shape.cards * self.shape.card_share / WHOLE


@dataclass(frozen=True)
class Trace:
    name: str
    jobs: tuple[TraceJob, ...]

    @property
    def timed(self) -> bool:
        return all(job.duration is not None for job in self.jobs)


@dataclass(frozen=True)
class _Row:
    """One line of a file; asks for what it needs and says where it was missing."""

    file: Path
    line: int
    values: Mapping[str, str | None]

    def number(self, column: str, *, least: float = 0.0, most: float = 1e15) -> float:
        text = self.values.get(column) or ""
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            wanted = f"a number of at least {least:g}" if most >= 1e15 else f"a number from {least:g} to {most:g}"
            raise TraceError(f"{self.file}, line {self.line}: {column} is {text!r}, {wanted} is expected")
        return value

    def whole(self, column: str, *, least: int = 0, most: int = 1 << 50) -> int:
        value = self.number(column, least=least, most=most)
        if value != int(value):
            raise TraceError(f"{self.file}, line {self.line}: {column} is {value}, a whole number is expected")
        return int(value)

    def text(self, column: str) -> str:
        return (self.values.get(column) or "").strip()


def _rows(file: Path) -> tuple[frozenset[str], list[_Row]]:
    try:
        data = file.read_bytes()
        text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise TraceError(f"{file}: cannot be read: {error}") from None
    reader = csv.DictReader(io.StringIO(text))
    columns = frozenset(reader.fieldnames or ())
    rows = [_Row(file, reader.line_num, values) for values in reader]
    if not rows:
        raise TraceError(f"{file}: there are no lines in it")
    return columns, rows


def read_nodes(given: str) -> list[NodeSpec]:
    """From a file, or `80x8`: that many nodes with that many cards each. Raises TraceError."""
    simple = re.fullmatch(r"([1-9]\d{0,5})x(\d{1,2})", given)
    if simple:
        count, cards = int(simple[1]), int(simple[2])
        if cards > MAX_CARDS:
            raise TraceError(f"{given}: a node has at most {MAX_CARDS} cards")
        share = max(cards, 1) / 8
        amounts = (round(NODE_CORES * share), round(NODE_MEMORY * share))
        return [NodeSpec(f"node-{at:06d}", amounts, cards) for at in range(count)]
    columns, rows = _rows(Path(given))
    if not {"sn", "cpu_milli", "memory_mib", "gpu"} <= columns:
        raise TraceError(
            f"{given}: the columns sn, cpu_milli, memory_mib, gpu are expected, {sorted(columns)} are there"
        )
    return [
        NodeSpec(
            name=row.text("sn"),
            amounts=(row.whole("cpu_milli"), row.whole("memory_mib") * MIB),
            cards=row.whole("gpu", most=MAX_CARDS),
            labels=frozenset({(_CARDS, row.text("model"))}),
        )
        for row in rows
    ]


def read_trace(file: Path, *, seed: int = 0) -> Trace:
    """Raises TraceError."""
    columns, rows = _rows(file)
    for wanted, read in _FORMATS.items():
        if wanted <= columns:
            chance = random.Random(seed)
            jobs = [read(row, chance) for row in rows]
            return Trace(file.name.split(".")[0], tuple(sorted(jobs, key=lambda job: job.submitted)))
    known = "; ".join(", ".join(sorted(columns)) for columns in _FORMATS)
    raise TraceError(f"{file}: the columns {sorted(columns)} are of no known format, which have: {known}")


def _pod(row: _Row, chance: random.Random) -> TraceJob:
    cards = row.whole("num_gpu", most=MAX_CARDS)
    models = frozenset(filter(None, row.text("gpu_spec").split("|")))
    shape = Shape(
        amounts=(row.whole("cpu_milli"), row.whole("memory_mib") * MIB),
        cards=cards,
        card_share=row.whole("gpu_milli", least=1, most=WHOLE) if cards == 1 else WHOLE,
        labels=frozenset({(_CARDS, models)}) if models else frozenset(),
    )
    return TraceJob(shape, 1, 0.0, None, f"tenant-{chance.randrange(40):02d}")


def _gang(cards: int) -> tuple[Shape, int]:
    """Whole nodes of eight cards, and equal workers."""
    workers = -(-cards // 8)
    while cards % workers:
        workers += 1
    each = cards // workers
    return Shape((CORES_A_CARD * each, MEMORY_A_CARD * each), each), workers


def _philly(row: _Row, _: random.Random) -> TraceJob:
    shape, workers = _gang(row.whole("scale_factor_gpus", least=1, most=4096))
    duration = min(row.number("duration_v100_s"), LONGEST_S)
    return TraceJob(shape, workers, row.number("arrival_s"), duration, row.text("vc"))


def _tiresias(row: _Row, chance: random.Random) -> TraceJob:
    shape, workers = _gang(row.whole("num_gpu", least=1, most=4096))
    return TraceJob(shape, workers, row.number("submit_time"), row.number("duration"), f"tenant-{chance.randrange(5)}")


_FORMATS: Mapping[frozenset[str], Callable[[_Row, random.Random], TraceJob]] = {
    frozenset({"cpu_milli", "memory_mib", "num_gpu", "gpu_milli"}): _pod,
    frozenset({"vc", "scale_factor_gpus", "arrival_s", "duration_v100_s"}): _philly,
    frozenset({"num_gpu", "submit_time", "duration"}): _tiresias,
}
