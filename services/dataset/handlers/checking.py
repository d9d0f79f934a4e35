"""The passes over an archive: its names, its samples, and what is stored of them."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from services.dataset.handlers.progress import Progress
from services.dataset.ports import Format, Layout, StoredFile
from services.kernel.archives import Archive, Entry
from services.kernel.problems import Problem, Problems, Refused

MAX_SAMPLE_BYTES = 64 * 2**20
_CHECKERS = 2
_IN_FLIGHT = 8


@dataclass(frozen=True)
class Source:
    """An archive, how to read it, the split of its samples, and the folder that they get in the data set."""

    archive: Archive
    format: Format
    kind: str
    split: str
    prefix: str


def read_layout(source: Source) -> Layout:
    """Where everything in the archive belongs. Raises Refused for an archive that cannot be read."""
    paths = [entry.path for entry in source.archive]
    return source.format.lay_out(source.kind, paths, source.archive.folders)


def check_samples(source: Source, layout: Layout, problems: Problems, progress: Progress) -> None:
    """Read every sample and collect what is wrong."""
    waiting: deque[Future[Problem | None]] = deque()

    def judge(path: str, content: bytes) -> Problem | None:
        try:
            source.format.read(source.kind, path, content)
        except Refused as refused:
            return refused.problem
        return None

    def take_oldest() -> None:
        problem = waiting.popleft().result()
        if problem:
            problems.add(problem)

    # Image decoders let go of the interpreter lock; texts are done before a thread would wake up.
    with ThreadPoolExecutor(_CHECKERS, thread_name_prefix="check") as pool:
        try:
            for path, content in _contents(source, layout, problems):
                progress.file(len(content))
                if source.kind == "image":
                    waiting.append(pool.submit(judge, path, content))
                    if len(waiting) > _IN_FLIGHT:
                        take_oldest()
                elif problem := judge(path, content):
                    problems.add(problem)
        except Refused as refused:
            problems.add(refused.problem)
        while waiting:
            take_oldest()


def sample_files(source: Source, layout: Layout, progress: Progress) -> Iterator[StoredFile]:
    """The files of the data set with their metadata. The samples were checked before."""
    for entry in source.archive:
        placed = layout.placed.get(entry.path)
        if placed is None:
            continue
        content = entry.read(MAX_SAMPLE_BYTES)
        progress.file(len(content))
        sample = source.format.read(source.kind, entry.path, content) if source.kind == "text" else None
        meta: dict[str, object] = {"class": placed.class_name, "split": source.split}
        if sample and sample.excerpt:
            meta["excerpt"] = sample.excerpt
        yield f"{source.prefix}/{placed.path}", sample.content if sample else content, meta


def _contents(source: Source, layout: Layout, problems: Problems) -> Iterator[tuple[str, bytes]]:
    for entry in source.archive:
        if entry.path not in layout.placed:
            continue
        content = entry.read(MAX_SAMPLE_BYTES)
        if len(content) > MAX_SAMPLE_BYTES:
            problems.add(_too_large(entry))
        else:
            yield entry.path, content


def _too_large(entry: Entry) -> Problem:
    expected = f"at most {MAX_SAMPLE_BYTES} bytes"
    return Problem("is too large for a sample", expected, "SAMPLE_TOO_LARGE", entry.path)
