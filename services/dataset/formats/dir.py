"""`dir`: a folder for each class at the top of the archive, or inside a single top folder."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePosixPath

from services.dataset.domain import Placed, SampleContent
from services.dataset.formats.image import IMAGE_SUFFIXES, read_image
from services.dataset.formats.text import TEXT_SUFFIXES, read_text
from services.dataset.ports import Layout
from services.kernel.problems import Problem

MAX_CLASSES = 20_000
MAX_CLASS_NAME_BYTES = 512 * 1024
"""Of all class names together: they stand in each message about the data set."""

_READERS: dict[str, tuple[tuple[str, ...], Callable[[str, bytes], SampleContent]]] = {
    "image": (IMAGE_SUFFIXES, read_image),
    "text": (TEXT_SUFFIXES, read_text),
}


class DirFormat:
    """Images or texts in class folders."""

    name = "dir"
    kinds = tuple(_READERS)

    def lay_out(self, kind: str, paths: Sequence[str], folders: Iterable[str]) -> Layout:
        layout = Layout()
        top = _single_top(paths)
        for path in paths:
            problem = self._place(layout, kind, path, path.removeprefix(top))
            if problem:
                layout.problems.add(problem)
        inside = (folder.removeprefix(top) for folder in folders if folder.startswith(top))
        found = {sample.class_name for sample in layout.placed.values()}
        layout.classes = sorted(found | {folder for folder in inside if folder and "/" not in folder})
        if len(layout.classes) > MAX_CLASSES:
            expected = f"at most {MAX_CLASSES}"
            layout.problems.add(Problem(f"has {len(layout.classes)} class folders", expected, "TOO_MANY_CLASSES"))
        name_bytes = sum(len(name.encode(errors="surrogatepass")) for name in layout.classes)
        if name_bytes > MAX_CLASS_NAME_BYTES:
            expected = f"at most {MAX_CLASS_NAME_BYTES} bytes"
            message = f"has class names of {name_bytes} bytes together"
            layout.problems.add(Problem(message, expected, "TOO_MANY_CLASSES"))
        return layout

    def read(self, kind: str, path: str, content: bytes) -> SampleContent:
        return _READERS[kind][1](path, content)

    def _place(self, layout: Layout, kind: str, path: str, inside: str) -> Problem | None:
        parts = inside.split("/")
        if len(parts) == 1:
            message = "lies beside the class folders"
            return Problem(message, "every file inside the folder of its class", "FILE_BESIDE_CLASSES", path)
        if len(parts) > 2:
            message = f"lies in a folder inside the class folder `{parts[0]}`"
            return Problem(message, "class folders without folders inside", "NESTED_FOLDER", path)
        suffixes = _READERS[kind][0]
        suffix = PurePosixPath(path).suffix.lower()
        if suffix not in suffixes:
            message = f"is not a file of a data set of kind {kind}: its name ends with `{suffix}`"
            return Problem(message, f"one of {' '.join(suffixes)}", "FILE_KIND", path)
        layout.placed[path] = Placed(inside, parts[0])
        return None


def _single_top(paths: Sequence[str]) -> str:
    """`top/` when all files are in one top folder that has folders itself, else nothing."""
    tops = Counter(path.partition("/")[0] for path in paths)
    if len(tops) != 1 or all(path.count("/") < 2 for path in paths):
        return ""
    return f"{next(iter(tops))}/"
