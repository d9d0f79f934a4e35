"""The process engine and its shim with real processes, inside the sandbox and without it."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.kernel.errors import Unavailable
from services.scheduler.engines.process import sandbox
from services.scheduler.engines.process.engine import Place, ProcessEngine, ProcessStatus, _make_removable
from services.scheduler.engines.process.shim import files, run, tree
from services.scheduler.engines.process.shim.supervise import ALREADY_RUNNING, Shim
from services.scheduler.engines.process.shim.verdict import Status, verdict
from tests.support.polling import eventually
from tests.unit.scheduler.places import a_place, end_of, sandbox_works, script

MIB = 1 << 20


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


def printed(place: Place, text: str) -> bool:
    return place.log.exists() and text in place.log.read_text()


def test_exit_code_0_is_completed(engine: ProcessEngine, place: Place) -> None:
    engine.start(place, script("print('hello')"))
    end = end_of(engine, place)
    assert (end.reason, end.code, end.signal) == ("completed", 0, 0)
    assert place.log.read_text() == "hello\n"
    assert end.log_bytes == 6


def test_exit_code_3_is_told_with_the_last_lines(engine: ProcessEngine, place: Place) -> None:
    engine.start(place, script("import sys; print(*range(10), sep='\\n'); sys.exit(3)"))
    end = end_of(engine, place)
    assert (end.reason, end.code) == ("error", 3)
    expected = "It ended with exit code 3; exit code 0 was expected; the last lines of its log are:\n5\n6\n7\n8\n9"
    assert end.message == expected


def test_signal_is_told(engine: ProcessEngine, place: Place) -> None:
    engine.start(place, script("import os, signal; signal.raise_signal(signal.SIGABRT)"))
    end = end_of(engine, place)
    assert (end.reason, end.signal) == ("error", signal.SIGABRT)
    assert "SIGABRT" in end.message


def test_missing_program_is_not_started(engine: ProcessEngine, place: Place) -> None:
    engine.start(place, replace(script(""), command=("no-such-program", "x")))
    end = end_of(engine, place)
    assert end.reason == "not_started"
    assert "no-such-program" in end.message


def test_memory_beyond_the_limit_ends_it(engine: ProcessEngine, place: Place) -> None:
    source = "import time\nheld = []\nwhile True: held.append(bytearray(b'x') * (8 << 20)); time.sleep(0.01)"
    engine.start(place, script(source, memory_bytes=100 * MIB))
    end = end_of(engine, place)
    assert end.reason == "out_of_memory"
    assert "100 MiB" in end.message
    assert end.peak_memory_bytes > 100 * MIB


def test_memory_of_children_counts_together(engine: ProcessEngine, place: Place) -> None:
    source = """
        import os, time
        for _ in range(4):
            if os.fork() == 0:
                held = bytearray(b'x') * (40 << 20)
                time.sleep(60)
        time.sleep(60)
    """
    engine.start(place, script(source, memory_bytes=110 * MIB))
    assert end_of(engine, place).reason == "out_of_memory"


def test_100_megabytes_of_output_are_cut_at_the_limit(engine: ProcessEngine, place: Place) -> None:
    source = "import sys\nfor _ in range(100): sys.stdout.write('x' * (1 << 20))"
    engine.start(place, script(source, log_limit_bytes=MIB))
    end = end_of(engine, place)
    assert end.reason == "completed"
    log = place.log.read_bytes()
    assert len(log) < MIB + 200
    assert log.endswith(f"log limit of {MIB} bytes reached, {99 * MIB} bytes dropped\n".encode())
    assert end.log_bytes == len(log)


def test_time_limit_ends_it(engine: ProcessEngine, place: Place) -> None:
    engine.start(place, script("import time; time.sleep(60)", time_limit_s=1, grace_s=5))
    end = end_of(engine, place, timeout=5)
    assert end.reason == "time_limit"
    assert end.signal == signal.SIGTERM


def test_sigterm_lets_it_save_a_checkpoint(engine: ProcessEngine, place: Place) -> None:
    source = """
        import os, signal, sys, time
        def save(*_):
            open(os.environ["MODELYARD_CHECKPOINT"] + "/saved", "w").write("here")
            sys.exit(0)
        signal.signal(signal.SIGTERM, save)
        print("ready", flush=True)
        while True: time.sleep(0.1)
    """
    engine.start(place, script(source))
    eventually(lambda: printed(place, "ready"), 10)
    engine.stop(place, "cancelled", 10)
    assert end_of(engine, place).reason == "cancelled"
    assert (place.checkpoint / "saved").read_text() == "here"


def test_a_stop_right_after_the_start_needs_no_grace(engine: ProcessEngine, place: Place) -> None:
    """The signal must not get lost while the sandbox is still being built."""
    begun = time.monotonic()
    engine.start(place, script("import time; time.sleep(60)"))
    engine.stop(place, "cancelled", 30)
    assert end_of(engine, place).reason == "cancelled"
    assert time.monotonic() - begun < 15


def test_who_ignores_sigterm_is_killed_after_its_grace(engine: ProcessEngine, place: Place) -> None:
    source = """
        import signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("ready", flush=True)
        while True: time.sleep(0.1)
    """
    engine.start(place, script(source))
    eventually(lambda: printed(place, "ready"), 10)
    begun = time.monotonic()
    engine.stop(place, "cancelled", 1)
    end = end_of(engine, place)
    assert end.signal == signal.SIGKILL
    assert 0.9 < time.monotonic() - begun < 4


def test_children_in_their_own_sessions_are_gone_after_the_end(engine: ProcessEngine, place: Place) -> None:
    source = """
        import os, time
        for level in range(5):
            if os.fork() == 0:
                os.setsid()
        print("ready", flush=True)
        time.sleep(60)
    """
    engine.start(place, script(source))
    eventually(lambda: place.log.exists() and place.log.read_text().count("ready") == 32, 10)
    assert len(tree.marked(place.marker)) >= 32
    engine.stop(place, "cancelled", 0)
    end_of(engine, place)
    assert tree.marked(place.marker) == []


def test_children_do_not_outlive_a_main_process_that_ends(engine: ProcessEngine, place: Place) -> None:
    engine.start(place, script("import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(60)"))
    assert end_of(engine, place).reason == "completed"
    assert tree.marked(place.marker) == []


def test_output_beyond_the_limit_ends_it(engine: ProcessEngine, place: Place) -> None:
    source = """
        import os, time
        with open(os.environ["MODELYARD_OUTPUT"] + "/large", "wb") as file:
            while True:
                file.write(b"x" * (1 << 20)); file.flush(); time.sleep(0.01)
    """
    engine.start(place, script(source, output_limit_bytes=20 * MIB))
    end = end_of(engine, place)
    assert end.reason == "output_too_large"
    assert "20 MiB" in end.message


def test_a_second_start_does_nothing(engine: ProcessEngine, place: Place) -> None:
    spec = script("import time; print('once', flush=True); time.sleep(60)")
    engine.start(place, spec)
    eventually(lambda: printed(place, "once"), 10)
    first = files.read_state(place.folder)
    engine.start(place, spec)
    (place.folder / files.LAUNCH).touch()
    ProcessEngine().start(place, spec)
    assert files.read_state(place.folder) == first
    assert place.log.read_text() == "once\n"


def test_a_second_shim_refuses_the_folder_of_a_living_one(engine: ProcessEngine, place: Place) -> None:
    engine.start(place, script("import time; print('once', flush=True); time.sleep(60)"))
    eventually(lambda: printed(place, "once"), 10)
    asked = f"{json.dumps(str(place.folder))}\n"
    server = [sys.executable, "-I", "-S", run.__file__]
    second = subprocess.run(server, input=asked, capture_output=True, text=True, check=False, timeout=20)
    assert second.stdout == f"{ALREADY_RUNNING}\n"
    assert place.log.read_text() == "once\n"


def test_an_ended_one_is_not_started_again(engine: ProcessEngine, place: Place) -> None:
    engine.start(place, script("print('once')"))
    end = end_of(engine, place)
    eventually(lambda: engine.status(place) is ProcessStatus.ENDED, 5)
    engine.start(place, script("print('twice')"))
    assert engine.exit(place) == end
    assert place.log.read_text() == "once\n"


def test_killed_shim_takes_the_process_with_it_and_is_seen(engine: ProcessEngine, place: Place) -> None:
    spec = script("import time; print('up', flush=True); time.sleep(60)")
    engine.start(place, spec)
    eventually(lambda: printed(place, "up"), 10)
    state = files.read_state(place.folder)
    assert state is not None
    os.kill(state.shim_pid, signal.SIGKILL)
    eventually(lambda: engine.status(place) is ProcessStatus.VANISHED, 5)
    eventually(lambda: tree.marked(place.marker) == [], 5)
    engine.start(place, spec)
    eventually(lambda: place.log.read_text().count("up") == 2, 10)


def test_the_environment_holds_no_secret_of_the_platform(
    engine: ProcessEngine, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELYARD_TOKEN_KEY", "secret-of-the-platform")
    engine.start(place, script("import os; print(sorted(os.environ)); print(os.getcwd())"))
    end_of(engine, place)
    log = place.log.read_text()
    assert "TOKEN_KEY" not in log
    assert "MODELYARD_OUTPUT" in log
    assert str(place.work) in log


def test_the_sandbox_hides_what_is_not_its_business(tmp_path: Path) -> None:
    if not sandbox_works():
        pytest.skip("bubblewrap does not work here")
    place, engine = a_place(tmp_path), ProcessEngine()
    secret = tmp_path / "secret"
    secret.write_text("hidden")
    source = f"""
        import os, socket
        print("secret", os.path.exists({str(secret)!r}), "shadow", os.path.exists("/etc/shadow"))
        print("processes", len([name for name in os.listdir("/proc") if name.isdigit()]) < 5)
        print("interfaces", [name for _, name in socket.if_nameindex()])
        try:
            open("/usr/written", "w")
        except OSError as error:
            print("refused", error.errno in (1, 13, 30))
    """
    engine.start(place, script(source))
    end_of(engine, place)
    assert place.log.read_text().splitlines() == [
        "secret False shadow False",
        "processes True",
        "interfaces ['lo']",
        "refused True",
    ]
    engine.remove(place)
    assert not place.folder.exists()


def test_variables_of_the_run_do_not_reach_the_sandbox_itself(tmp_path: Path) -> None:
    if not sandbox_works():
        pytest.skip("bubblewrap does not work here")
    place, engine = a_place(tmp_path), ProcessEngine()
    engine.start(place, replace(script("print('fine')"), env={"LD_PRELOAD": "/nowhere.so"}))
    end_of(engine, place)
    launch = files.read_launch(place.folder)
    assert "LD_PRELOAD" not in launch.env
    engine.remove(place)


def test_the_sandbox_leaves_nothing_of_the_kernel_and_little_memory_to_write(tmp_path: Path) -> None:
    if not sandbox_works():
        pytest.skip("bubblewrap does not work here")
    place, engine = a_place(tmp_path), ProcessEngine()
    source = """
        import multiprocessing, os, subprocess
        print([subprocess.run(["test", "-w", path]).returncode for path in (
            "/proc/sys/kernel/core_pattern", "/proc/sys", "/dev", "/")])
        room = os.statvfs("/dev/shm")
        print(room.f_blocks * room.f_frsize)
        with open("/dev/null", "w") as nothing: nothing.write("x")
        with open("/dev/urandom", "rb") as source: source.read(4)
        multiprocessing.Lock()
        multiprocessing.Array("b", 1 << 20)
        os.openpty()
        print(os.uname().nodename, "fine")
    """
    engine.start(place, script(source, memory_bytes=512 * MIB))
    end_of(engine, place)
    assert place.log.read_text().splitlines() == ["[1, 1, 1, 1]", str(512 * MIB), "modelyard fine"]
    engine.remove(place)


@pytest.fixture
def bwrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The program that stands for bubblewrap, not there yet."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/nowhere")
    sandbox._try.cache_clear()
    yield tmp_path / "bwrap"
    sandbox._try.cache_clear()


def test_a_sandbox_that_fails_is_told_and_tried_again(bwrap: Path, tmp_path: Path) -> None:
    assert not sandbox.available()
    bwrap.write_text("#!/bin/sh\necho no permission >&2\nexit 1\n")
    bwrap.chmod(0o755)
    with pytest.raises(Unavailable, match=r"MODELYARD_AGENT_SANDBOX=off.*no permission") as caught:
        ProcessEngine().start(a_place(tmp_path), script(""))
    assert caught.value.reason == "SANDBOX_UNUSABLE"
    bwrap.write_text("#!/bin/sh\nexit 0\n")
    assert sandbox.available()


def test_a_sandbox_that_is_switched_off_is_not_tried(bwrap: Path, place: Place) -> None:
    bwrap.write_text("#!/bin/sh\nexit 1\n")
    bwrap.chmod(0o755)
    engine = ProcessEngine(sandboxed=False)
    engine.start(place, script("print('fine')"))
    assert end_of(engine, place).reason == "completed"


def test_more_processes_than_allowed_end_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "descendants", lambda _pid: list(range(5000)))
    files.write(tmp_path, files.LAUNCH, files.Launch(["true"], "true", {}, "/"))
    (tmp_path / files.LOG).touch()
    shim = Shim(tmp_path)
    shim._hold_memory()
    reason, message = verdict(shim._cause, Status(137, 9), files.read_launch(tmp_path), tmp_path / files.LOG)
    assert reason == "error"
    assert "4096 processes" in message


def test_folders_that_nobody_may_enter_are_made_removable(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(0o555)
    place = a_place(tmp_path / "agent")
    closed = place.work / "closed"
    (closed / "inner").mkdir(parents=True)
    (closed / "link").symlink_to(outside)
    (closed / "inner").chmod(0)
    closed.chmod(0)
    _make_removable(place.folder)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (closed, closed / "inner", outside)] == [0o700, 0o700, 0o555]
    ProcessEngine().remove(place)
    assert not place.folder.exists()
