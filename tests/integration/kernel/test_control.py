"""The control role: loops and relay run in one process, and pass to another when it dies or hangs."""

import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from google.protobuf.empty_pb2 import Empty

from services.kernel import control
from services.kernel.config import KernelSettings
from services.kernel.control import Loop
from services.kernel.messaging import outbox
from services.kernel.storage import mongo
from tests.support.polling import eventually
from tests.support.servers import Servers
from tests.support.service_process import ROOT, settings_of

TAKE_OVER_S = 14


@dataclass
class Bench:
    settings: KernelSettings
    environment: dict[str, str]
    folder: Path
    name: str = field(default_factory=lambda: f"test{secrets.token_hex(4)}")
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def start(self, holder: str) -> None:
        with self.log(holder).open("ab") as log:
            self.processes[holder] = subprocess.Popen(
                [sys.executable, "-m", "tests.integration.kernel.control_process", self.name, holder, self.folder],
                cwd=ROOT,
                env={**os.environ, **self.environment},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def signal(self, holder: str, number: int) -> None:
        self.processes[holder].send_signal(number)

    def log(self, holder: str) -> Path:
        return self.folder / f"{holder}.log"

    def passes(self, holder: str) -> int:
        return mongo.database()["passes"].count_documents({"holder": holder})

    def lease(self) -> tuple[str, int]:
        """Who holds the lease, and its token."""
        row = mongo.database()["control_leases"].find_one({"_id": "control"}) or {}
        return str(row.get("holder", "")), int(row.get("token", 0))

    def works(self, holder: str, timeout: float = TAKE_OVER_S) -> None:
        before = self.passes(holder)
        eventually(lambda: self.passes(holder) > before, timeout)

    def publish(self, sequence: int) -> None:
        outbox.append(
            event_type="thing.happened",
            aggregate_id="1",
            sequence=sequence,
            message=Empty(),
            project="default",
            actor="ann",
        )

    def sent(self, sequence: int) -> bool:
        row = outbox.rows().find_one({"sequence": sequence})
        return row is not None and row["sent"]


@pytest.fixture
def bench(servers: Servers, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(settings_of(servers), servers.environment, tmp_path)
    mongo.connect(made.settings, made.name)
    yield made
    for process in made.processes.values():
        process.kill()
        process.wait()
    mongo.client().drop_database(mongo.database().name)
    mongo.disconnect()


class Work:
    """Counts its passes; fails while `broken`."""

    def __init__(self) -> None:
        self.passes = 0
        self.broken = False

    def __call__(self) -> None:
        self.passes += 1
        if self.broken:
            raise RuntimeError("this pass fails")


def test_a_loop_repeats_wakes_and_survives(bench: Bench) -> None:
    often, woken, stop = Work(), Work(), threading.Event()
    loops = [Loop("often", often, interval_s=0.05), Loop("woken", woken, interval_s=3600, wake_on=("things",))]
    role = threading.Thread(target=control.run, args=(bench.name, bench.settings, loops, stop))
    role.start()
    try:
        eventually(lambda: often.passes > 3)
        # The feed wakes once when its stream is there.
        eventually(lambda: woken.passes == 2)
        mongo.database()["things"].insert_one({})
        eventually(lambda: woken.passes == 3)
        often.broken, before = True, often.passes
        eventually(lambda: often.passes > before + 1)
        often.broken, before = False, often.passes
        eventually(lambda: often.passes > before + 3)
        bench.publish(1)
        eventually(lambda: bench.sent(1))
    finally:
        began = time.monotonic()
        stop.set()
        role.join(15)
    assert time.monotonic() - began < 8
    assert bench.lease()[0] == "", "the lease has to be given back, so that the next need not wait"
    assert often.passes > 0


def test_another_takes_over_from_one_that_was_killed(bench: Bench) -> None:
    bench.start("a")
    bench.works("a")
    bench.start("b")
    _, token = bench.lease()
    bench.signal("a", signal.SIGKILL)
    began = time.monotonic()
    bench.works("b", timeout=20)
    assert time.monotonic() - began < TAKE_OVER_S
    assert bench.lease()[1] == token + 1


def test_a_holder_that_hung_cannot_commit(bench: Bench) -> None:
    bench.start("a")
    bench.works("a")
    hold = bench.folder / "hold-a"
    hold.touch()
    eventually((bench.folder / "held-a").exists)
    before, (holder, _) = bench.passes("a"), bench.lease()
    bench.signal("a", signal.SIGSTOP)
    bench.publish(1)
    bench.start("b")
    # Only the holder relays: as long as the lease is that of the one that hangs, nothing goes out.
    while bench.lease()[0] == holder:
        sent = bench.sent(1)
        assert not sent or bench.lease()[0] != holder
    bench.works("b")
    eventually(lambda: bench.sent(1))
    hold.unlink()
    bench.signal("a", signal.SIGCONT)
    eventually(lambda: "FENCED" in bench.log("a").read_text())
    bench.works("b")
    assert bench.passes("a") == before


def test_a_broken_start_ends_the_role(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease that is held while nothing runs would stop the service for good."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no relay")

    monkeypatch.setattr(control, "Relay", broken)
    with pytest.raises(RuntimeError, match="no relay"):
        control.run(bench.name, bench.settings, [], threading.Event())
    assert bench.lease()[0] == ""
