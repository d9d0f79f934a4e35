import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.embedded.launch import Launch, record_path
from deploy.embedded.processes import read_record, reap, start_time, survivors
from tests.support.polling import eventually

# the leader starts a child in its own process group, tells its number, and waits
_PARENT = (
    "import subprocess, sys, time; "
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
    "open(sys.argv[1], 'w').write(str(child.pid)); time.sleep(60)"
)

Start = Callable[[Path, list[str]], "subprocess.Popen[bytes]"]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def start(home: Path, command: list[str]) -> "subprocess.Popen[bytes]":
        specification = home / "launch.json"
        Launch("sleeper", str(home), command, dict(os.environ), str(home), stop_wait=4).save(specification)
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.embedded.launch", str(specification)],
            start_new_session=True,
            stdout=subprocess.PIPE,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_a_leftover_is_ended_with_its_children_even_without_its_leader(tmp_path: Path, start: Start) -> None:
    child_file = tmp_path / "child"
    process = start(tmp_path, [sys.executable, "-c", _PARENT, str(child_file)])
    child = eventually(lambda: child_file.exists() and int(child_file.read_text() or 0), 10)
    process.kill()
    process.wait()
    record = record_path(tmp_path, "sleeper")
    assert reap([record], tmp_path, grace=10) == ["sleeper"]
    eventually(lambda: start_time(child) is None, 5)
    assert reap([record], tmp_path, grace=1) == []


def test_a_launch_of_something_else_ends_the_first(tmp_path: Path, start: Start) -> None:
    first = start(tmp_path, ["sleep", "60"])
    path = record_path(tmp_path, "sleeper")
    eventually(lambda: (record := read_record(path)) and record.pid == first.pid, 10)
    second = start(tmp_path, ["sleep", "61"])
    assert first.wait(10) != 0
    eventually(lambda: (record := read_record(path)) and record.pid == second.pid, 10)


def test_a_second_launch_attends_the_first(tmp_path: Path, start: Start) -> None:
    counting = "for i in $(seq 600); do echo line $i; sleep 0.1; done"
    first = start(tmp_path, ["sh", "-c", counting])
    path = record_path(tmp_path, "sleeper")
    eventually(lambda: (record := read_record(path)) and record.pid == first.pid, 10)
    assert first.stdout is not None
    assert first.stdout.readline() == b"line 1\n"
    second = start(tmp_path, ["sh", "-c", counting])
    assert second.stdout is not None
    assert f"process {first.pid}" in second.stdout.readline().decode()
    assert second.stdout.readline().startswith(b"line ")
    assert first.poll() is None
    second.terminate()
    assert second.wait(10) == 0
    assert first.wait(10) == -signal.SIGTERM


def test_what_is_attended_and_does_not_stop_is_killed(tmp_path: Path, start: Start) -> None:
    stubborn = ["sh", "-c", "trap '' TERM; echo up; sleep 60; sleep 60"]
    first = start(tmp_path, stubborn)
    assert first.stdout is not None
    assert first.stdout.readline() == b"up\n"
    second = start(tmp_path, stubborn)
    assert second.stdout is not None
    assert second.stdout.readline().startswith(b"attending")
    second.terminate()
    assert first.wait(10) == -signal.SIGKILL
    assert second.wait(10) == 0


def test_the_end_of_what_is_attended_is_the_end_of_its_attendant(tmp_path: Path, start: Start) -> None:
    first = start(tmp_path, ["sleep", "60"])
    path = record_path(tmp_path, "sleeper")
    eventually(lambda: (record := read_record(path)) and record.pid == first.pid, 10)
    second = start(tmp_path, ["sleep", "60"])
    assert second.stdout is not None
    assert second.stdout.readline().startswith(b"attending")
    first.kill()
    assert second.wait(10) == 1


def test_a_process_that_only_has_the_same_number_is_not_touched(tmp_path: Path, start: Start) -> None:
    process = start(tmp_path, ["sleep", "60"])
    path = record_path(tmp_path, "sleeper")
    record = eventually(lambda: read_record(path), 10)
    assert record is not None
    assert eventually(lambda: survivors(record, tmp_path), 10) == [process.pid]
    assert survivors(replace(record, started=record.started + 1), tmp_path) == []
    assert survivors(replace(record, boot="another"), tmp_path) == []
    assert survivors(record, tmp_path / "other") == []
    path.write_text(json.dumps({"program": "sleeper", "pid": os.getpid(), "started": 1, "boot": record.boot}))
    assert reap([path], tmp_path, grace=1) == []


def test_a_torn_record_is_no_record(tmp_path: Path) -> None:
    (tmp_path / "torn.json").write_text('{"program": "x", "pi')
    assert read_record(tmp_path / "torn.json") is None
    assert reap([tmp_path / "torn.json"], tmp_path, grace=1) == []
