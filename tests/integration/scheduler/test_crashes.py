"""kill -9 of the scheduler at random moments: ledger, leases and processes agree afterwards."""

import random
import secrets
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from protos.scheduler.v1 import queue_pb2, queue_pb2_grpc, workload_pb2
from services.kernel.errors import DomainError
from services.scheduler.core import ledger
from tests.integration.scheduler.platform import EXITED, Platform
from tests.support.polling import eventually

STEP = 8
"""So many are submitted at a time."""


def rounds_of(platform: Platform) -> list[ledger.Round]:
    stub, token, found = queue_pb2_grpc.LedgerServiceStub(platform.channel), "", []
    while True:
        answer = stub.ListRounds(queue_pb2.ListRoundsRequest(page_size=1000, page_token=token))
        found += [ledger.load(row.body.encode()) for row in answer.rounds]
        token = answer.next_page_token
        if not token:
            return found


def patiently_submit(platform: Platform, request_id: str, source: str) -> str:
    """As a service does: again, with the same request id, until the scheduler has answered."""
    found: list[str] = []

    def submitted() -> bool:
        with suppress(DomainError):
            found.append(platform.submit(request_id, source, cpu_millis=random.choice([250, 500, 1000])).id)
        return bool(found)

    eventually(submitted, 60)
    return found[0]


def running_with(mark: str) -> list[str]:
    """Command lines in which the mark stands."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found.append(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return [line for line in found if mark in line]


@pytest.mark.parametrize(
    ("decisions", "seed"),
    [
        pytest.param(60, 5, id="60"),
        pytest.param(500, random.SystemRandom().randrange(1 << 32), id="500", marks=pytest.mark.long),
    ],
)
@pytest.mark.timeout(1500)
def test_the_scheduler_is_killed_at_random_moments(platform: Platform, decisions: int, seed: int) -> None:
    print(f"seed {seed}")
    randomly = random.Random(seed)
    before = len(rounds_of(platform))
    for name in ("one", "two"):
        platform.start_agent(name, cpu_millis=2000)
    mark = f"crash-{secrets.token_hex(4)}"
    made: list[str] = []
    done = threading.Event()
    kills = 0

    def work() -> None:
        try:
            for at in range(decisions):
                made.append(patiently_submit(platform, f"{mark}-{at}", f"import time; time.sleep(0.2) # {mark}"))
                if at % STEP == STEP - 1:
                    time.sleep(1)
        finally:
            done.set()

    worker = threading.Thread(target=work)
    worker.start()
    while not done.wait(randomly.uniform(0.2, 2.0)):
        assert platform.scheduler is not None
        platform.scheduler.kill()
        kills += 1
        platform.start_scheduler()
    worker.join()
    assert len(made) == len(set(made)) == decisions
    assert kills >= decisions // 20

    def all_ended() -> bool:
        found = Counter(platform.get(one).state for one in made)
        assert found == {EXITED: decisions}
        return True

    eventually(all_ended, 120)
    ended = [platform.get(one) for one in made]
    assert {one.exit.reason for one in ended} == {workload_pb2.WorkloadExit.REASON_COMPLETED}
    assert {one.attempt for one in ended} == {1}, "each was started once"

    rounds = rounds_of(platform)[before:]
    replayed = list(ledger.replay(rounds))
    assert len(replayed) == len(rounds), "every process begins with what a replay needs"
    assert all(one.same for one in replayed)
    placed = Counter(one.job for round_ in rounds for one in round_.placed)
    assert placed == dict.fromkeys(made, 1), "the ledger tells of the same leases"

    eventually(lambda: running_with(mark) == [], 20)
