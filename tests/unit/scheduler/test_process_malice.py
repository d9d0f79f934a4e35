"""Workloads that hide what they hold, with real processes, inside the sandbox and without it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.scheduler.engines.process import sandbox
from services.scheduler.engines.process.engine import Place, ProcessEngine
from services.scheduler.engines.process.shim import tree
from services.scheduler.engines.process.shim.files import Exit
from tests.unit.scheduler.places import a_place, end_of, sandbox_works, script

MIB = 1 << 20
LIMIT_S = 60


@pytest.fixture(params=["sandbox", "plain"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ProcessEngine:
    if request.param == "plain":
        monkeypatch.setattr(sandbox, "available", lambda: False)
    elif not sandbox_works():
        pytest.skip("bubblewrap does not work here")
    return ProcessEngine()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = a_place(tmp_path)
    yield made
    ProcessEngine().remove(made)
    assert tree.marked(made.marker) == []
    assert not made.folder.exists()


def ended(engine: ProcessEngine, place: Place, source: str, *, memory: int = 0, output: int = 0) -> Exit:
    engine.start(place, script(source, memory_bytes=memory, output_limit_bytes=output, time_limit_s=LIMIT_S, grace_s=0))
    return end_of(engine, place, timeout=LIMIT_S + 30)


def test_memory_files_count_as_memory(engine: ProcessEngine, place: Place) -> None:
    source = """
        import os, time
        file = os.memfd_create("hidden")
        while True:
            os.write(file, bytes(4 << 20)); time.sleep(0.01)
    """
    end = ended(engine, place, source, memory=150 * MIB)
    assert end.reason == "out_of_memory"
    assert end.peak_memory_bytes > 150 * MIB


def test_memory_files_of_children_count_once_each(engine: ProcessEngine, place: Place) -> None:
    """Four processes share one file, which they also map: it is there once."""
    source = """
        import mmap, os, time
        file = os.memfd_create("shared")
        os.ftruncate(file, 60 << 20)
        whole = mmap.mmap(file, 60 << 20)
        for at in range(0, 60 << 20, 4096): whole[at] = 1
        children = []
        for _ in range(3):
            if (child := os.fork()) == 0:
                for at in range(0, 60 << 20, 4096): whole[at]
                time.sleep(2)
                os._exit(0)
            children.append(child)
        for child in children: os.waitpid(child, 0)
        print("fine")
    """
    end = ended(engine, place, source, memory=180 * MIB)
    assert end.reason == "completed", end.message
    assert 60 * MIB < end.peak_memory_bytes < 180 * MIB


def test_files_in_shared_memory_count_as_memory(place: Place) -> None:
    if not sandbox_works():
        pytest.skip("bubblewrap does not work here")
    source = """
        import time
        with open("/dev/shm/hidden", "wb") as file:
            while True:
                file.write(bytes(4 << 20)); file.flush(); time.sleep(0.01)
    """
    end = ended(ProcessEngine(), place, source, memory=150 * MIB)
    # The file system ends the writing by itself just below the limit; both are a plain end.
    assert end.reason == "out_of_memory" or "No space left" in end.message, end.message


@pytest.mark.parametrize("folder", ["MODELYARD_OUTPUT", "TMPDIR"])
def test_removed_files_that_stay_open_count_as_output(engine: ProcessEngine, place: Place, folder: str) -> None:
    source = f"""
        import os, time
        path = os.environ[{folder!r}] + "/hidden"
        file = os.open(path, os.O_RDWR | os.O_CREAT)
        os.unlink(path)
        while True:
            os.write(file, b"x" * (1 << 20)); time.sleep(0.01)
    """
    end = ended(engine, place, source, output=30 * MIB)
    assert end.reason == "output_too_large"
    assert "30 MiB" in end.message


def test_removed_files_that_were_closed_count_no_more(engine: ProcessEngine, place: Place) -> None:
    source = """
        import os, time
        for number in range(20):
            path = os.environ["TMPDIR"] + f"/{number}"
            with open(path, "wb") as file:
                os.unlink(path)
                file.write(bytes(4 << 20)); file.flush(); time.sleep(0.1)
    """
    assert ended(engine, place, source, output=30 * MIB).reason == "completed"


def test_a_fork_bomb_ends(engine: ProcessEngine, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.scheduler.engines.process.engine._PROCESS_LIMIT", 150)
    source = """
        import os, time
        for _ in range(4):
            os.fork()
        time.sleep(0.5)
        while True:
            try:
                if os.fork() == 0: time.sleep(30)
            except OSError:
                time.sleep(0.01)
    """
    engine.start(place, script(source, time_limit_s=LIMIT_S, grace_s=0))
    end = end_of(engine, place, timeout=LIMIT_S + 60)
    assert end.reason == "error"
    assert "150 processes" in end.message


def test_a_daemon_that_left_its_session_and_ignores_signals_ends(engine: ProcessEngine, place: Place) -> None:
    source = """
        import os, signal, time
        for number in range(1, 32):
            try: signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError): pass
        for _ in range(2):
            if os.fork() == 0: os.setsid()
            else: os._exit(0) if _ else None
        os.environ.clear()
        time.sleep(60)
    """
    engine.start(place, script(source, time_limit_s=2, grace_s=0))
    end_of(engine, place, timeout=60)
    assert tree.marked(place.marker) == []


def test_a_process_without_the_marker_in_its_environment_ends_too(engine: ProcessEngine, place: Place) -> None:
    source = """
        import os, sys
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.execve("/bin/sleep", ["unmarked-sleeper", "61"], {})
            os._exit(0)
        os.wait()
    """
    ended(engine, place, source)
    assert not [pid for pid in tree._pids() if b"unmarked-sleeper" in _command(pid)]


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_binary_garbage_in_the_log_is_kept_and_told_as_text(engine: ProcessEngine, place: Place) -> None:
    source = "import os, sys; os.write(1, bytes(range(256)) * 100); sys.exit(3)"
    end = ended(engine, place, source)
    assert end.reason == "error"
    end.message.encode()
    assert place.log.read_bytes() == bytes(range(256)) * 100


def test_devices_and_links_in_the_output_do_no_harm(engine: ProcessEngine, place: Place, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    source = f"""
        import os
        output = os.environ["MODELYARD_OUTPUT"]
        os.symlink({str(outside)!r}, output + "/link")
        os.mkfifo(output + "/fifo")
        try:
            os.mknod(output + "/device", 0o60666, os.makedev(8, 0))
        except OSError as error:
            print("refused", error.errno)
    """
    end = ended(engine, place, source)
    assert end.reason == "completed", end.message
    engine.remove(place)
    assert (outside / "kept").read_text() == "kept"
