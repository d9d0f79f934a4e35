"""Two copies of every stateless process: one control each, taken over when its holder is killed or paused."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.copies.platform import SERVICES, Copies, started
from tests.copies.takeover import PATIENCE_S, Requests, Takeover, kill_holder, pause_holder
from tests.support import jobs
from tests.support.polling import eventually

pytestmark = pytest.mark.timeout(900)

LIMIT_S = 10.0
BUSY = 2.0
"""Runnable processes for each core from which on the times say more about the machine than about the platform."""


@pytest.fixture(scope="module")
def copies() -> Iterator[Copies]:
    with started(triton=False) as running:
        yield running


def check(copies: Copies, capsys: pytest.CaptureFixture[str], rounds: list[tuple[str, str]]) -> None:
    how = {"killed": kill_holder, "paused": pause_holder}
    table: list[Takeover] = []
    with copies.client() as client:
        requests = Requests(copies, client.token)
        with requests.going_on():
            table += [how[mode](copies, service, requests) for service, mode in rounds]
        assert not requests.refused
        listed = [item["name"] for item in client.pages("/api/v1/datasets", "datasets", page_size=200)]
    with capsys.disabled():
        print(f"\n{requests.answered} requests answered meanwhile, {requests.repeated} asked for again")
        print("\n".join(map(str, table)))
    assert sorted(name for name in listed if name in set(requests.names)) == sorted(requests.names)
    assert [takeover.written_by_old for takeover in table] == [0] * len(table)
    require_in_time(max(takeover.work_s for takeover in table))


def require_in_time(seconds: float) -> None:
    if os.getloadavg()[0] < BUSY * (os.cpu_count() or 1):
        assert seconds <= LIMIT_S


def test_the_other_copy_takes_over(copies: Copies, capsys: pytest.CaptureFixture[str]) -> None:
    check(copies, capsys, [("trainer", "killed"), ("algorithm", "paused")])


@pytest.mark.long
def test_the_other_copy_takes_over_in_every_service(copies: Copies, capsys: pytest.CaptureFixture[str]) -> None:
    check(copies, capsys, [(service, mode) for service in SERVICES for mode in ("killed", "paused")])


@pytest.mark.long
@pytest.mark.parametrize("service", ["trainer", "scheduler"])
def test_a_task_comes_to_its_end_at_the_other_copy(
    copies: Copies, tmp_path: Path, capsys: pytest.CaptureFixture[str], service: str
) -> None:
    with copies.client() as client:
        algorithm = jobs.create_algorithm(client, tmp_path, "print('done')")
        dataset = jobs.online_dataset(client, tmp_path, jobs.two_shades())
        holder = eventually(lambda: copies.holding(service), PATIENCE_S)
        assert holder is not None
        began = time.monotonic()
        os.kill(holder.pid, signal.SIGKILL)
        task_id = jobs.start_task(client, dataset, algorithm)
        task = jobs.ended_task(client, task_id, PATIENCE_S)
        took = time.monotonic() - began
    with capsys.disabled():
        print(f"\n{service:<10} killed  a task begun after that had ended after {took:4.1f} s")
    assert task["error_reason"] == "OUTPUT_INVALID"  # it left none, which the trainer found out
    require_in_time(took)
