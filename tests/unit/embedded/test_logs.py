"""Logs of several programs, rotated and mixed with lines that are not ours."""

import json
from pathlib import Path

import pytest

from deploy.embedded import logs
from deploy.embedded.logs import Wanted

TRACE = "a" * 32


def entry(second: int, event: str, **more: object) -> str:
    return json.dumps({"timestamp": f"2026-01-01T00:00:{second:02}.000000Z", "level": "info", "event": event, **more})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {
        "gateway.log": [entry(1, "http_command", trace_id=TRACE), "Traceback (most recent call last):", "{broken"],
        "trainer.log.1": [entry(2, "task.submitted", task_id="task-1", run_id="task-1-1", trace_id=TRACE)],
        "trainer.log": [
            entry(7, "task.finished", task_id="task-1", run_id="task-1-1", workload_id="wl-1", trace_id=TRACE),
            entry(8, "task.finished", task_id="task-2", run_id="task-2-1", workload_id="wl-2", trace_id="b" * 32),
        ],
        "agent.log": [
            entry(5, "workload_process_started", workload_id="wl-1", run_id="task-1-1"),
            entry(6, "workload_process_started", workload_id="wl-2", run_id="task-2-1"),
            entry(4, "workload_waits", workload_id="wl-1", error="two words", exception="Traceback\n  boom"),
            entry(9, "process_stopped"),
        ],
        "mongod.log": ['{"t": {"$date": "2026"}, "msg": "x"}', "[]"],
    }
    for name, content in files.items():
        (tmp_path / name).write_text("\n".join(content) + "\n")
    (tmp_path / "agent.log").open("ab").write(b'{"event": "\xff')
    return tmp_path


def events(folder: Path, wanted: Wanted) -> list[tuple[object, object]]:
    return [(one["program"], one["event"]) for one in logs.select(lambda: logs.read(folder), wanted)]


def test_all_of_a_task_in_the_order_of_time(folder: Path) -> None:
    assert events(folder, Wanted(("task-1",))) == [
        ("gateway", "http_command"),
        ("trainer", "task.submitted"),
        ("agent", "workload_waits"),
        ("agent", "workload_process_started"),
        ("trainer", "task.finished"),
    ]


def test_a_run_a_workload_and_a_trace(folder: Path) -> None:
    assert ("agent", "workload_process_started") in events(folder, Wanted(("task-1-1",)))
    assert events(folder, Wanted(("wl-2",)))[0] == ("agent", "workload_process_started")
    assert events(folder, Wanted(trace="b" * 32)) == [("trainer", "task.finished")]
    assert events(folder, Wanted(("task-9",))) == []


def test_since_a_time(folder: Path) -> None:
    assert events(folder, Wanted(("task-1",), since="2026-01-01T00:00:05"))[0][1] == "workload_process_started"


def test_a_line_for_people_and_one_for_programs(folder: Path) -> None:
    wanted = Wanted(("wl-1",), since="2026-01-01T00:00:04")
    first = next(logs.lines(folder, wanted)).splitlines()
    assert first[0].startswith("2026-01-01T00:00:04.000000Z agent          info    workload_waits  workload_id=wl-1")
    assert 'error="two words"' in first[0]
    assert first[1:] == ["    Traceback", "      boom"]
    assert json.loads(next(logs.lines(folder, wanted, as_json=True)))["program"] == "agent"
