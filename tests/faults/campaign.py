"""One instance under work and faults, from its start to the verdict."""

import json
import random
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from services.gateway.client import Client
from tests.faults import leftovers, observe, targets
from tests.faults.checker import Verdict, judge
from tests.faults.driver import NODE_MILLIS, Driver
from tests.faults.phases import Places
from tests.faults.quota import Quota
from tests.faults.recovery import Recoveries, until_well
from tests.faults.subscriber import Subscriber
from tests.faults.targets import TARGETS, Scene
from tests.support.instance import Platform
from tests.support.polling import wait_for_none
from tests.support.servers import free_port_base

QUOTA_BYTES = 5 * 2**30
ARRIVE_S = 120
COLLECT_S = 260
SETTINGS = {
    "MODELYARD_AGENT_CPU_MILLIS": str(NODE_MILLIS),
    "MODELYARD_AGENT_MEMORY_BYTES": str(4 * 2**30),
    # An upload whose client never learnt of it is collected while the checker waits.
    "MODELYARD_UPLOAD_IDLE_S": "120",
}


def say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)


@dataclass
class Campaign:
    """A platform at work. `strike` breaks something and waits until all is well; `finish` gives the verdict."""

    platform: Platform
    driver: Driver
    subscriber: Subscriber
    random: random.Random
    quota: Quota | None
    earlier: Mapping[str, str]
    pause_s: float = targets.PAUSE_S
    recoveries: Recoveries = field(default_factory=Recoveries)
    began: float = field(default_factory=time.monotonic)

    def can(self, name: str) -> bool:
        """A full disk needs a file system of its own, which only root may mount."""
        return name != "disk-full" or self.quota is not None

    def strike(self, *names: str) -> None:
        """Work in every phase, then all the faults at once, then wait until everything works again."""
        preparing = time.monotonic()
        phases = self.driver.prepare()
        prepared = time.monotonic() - preparing
        scene = Scene(self.platform, self.driver, phases, self.random, self.quota, self.pause_s)
        began = time.monotonic()
        struck = [TARGETS[name](scene) for name in names]
        if not targets.TAKEN_UP.intersection(names):
            began = time.monotonic()  # a pause or a full disk is over now
        took = until_well(self.driver, began)
        for name in names:
            self.recoveries.seconds[name].append(max(took.values()))
        parts = " ".join(f"{name}={seconds:.1f}" for name, seconds in took.items())
        told = f"{'; '.join(struck)} | {phases} after {prepared:.1f} s"
        say(f"[{began - self.began:6.1f} s] {told} | well again: {parts}")

    def finish(self) -> Verdict:
        """Let all work end, collect, look, judge."""
        say("draining")
        self.driver.drain()
        client, history, deliveries = self.driver.client, self.driver.history, self.subscriber.deliveries
        wait_for_none(
            lambda: [] if observe.all_arrived(self.platform, deliveries, self.earlier) else ["events"], ARRIVE_S
        )
        uploads = observe.stored_uploads(self.platform, history)
        left = wait_for_none(
            lambda: leftovers.settled(lambda: leftovers.leftovers(self.platform, client)), COLLECT_S, interval=2
        )
        verdict = judge(
            history, observe.observe(self.platform, client, history, deliveries, left, uploads, self.earlier)
        )
        self._report(verdict)
        return verdict

    def _report(self, verdict: Verdict) -> None:
        history, answers = self.driver.history, self.driver.history.answers
        for told in history.troubles:
            say(f"trouble: {told}")
        say(f"{'target':<16} {'n':>3} {'p50 s':>7} {'max s':>7}")
        summary = self.recoveries.summary()
        for name, row in summary.items():
            say(f"{name:<16} {row['n']:>3} {row['p50']:>7} {row['max']:>7}")
        say(str(verdict))
        figures = {
            "seconds": round(time.monotonic() - self.began),
            "kills": sum(int(row["n"]) for row in summary.values()),
            "tasks": len(history.tasks),
            "imports": len(history.imports),
            "uploads": len(history.uploads),
            "services": len(history.services),
            "events": len(self.subscriber.deliveries),
            "answers": {"right": answers.right, "errors": answers.errors, "wrong": len(answers.wrong)},
            "errors": dict(answers.kinds.most_common(12)),
            **verdict.counts(),
            "recovery_s": summary,
        }
        print(json.dumps(figures), flush=True)


@contextmanager
def campaign(seed: int, services: Sequence[tuple[str, int]]) -> Iterator[Campaign]:
    """A running campaign; `services` are (prefix, load). The instance is stopped and removed at the end."""
    with _home() as (home, quota), tempfile.TemporaryDirectory(prefix="faults-files-") as files:
        platform = Platform(home, free_port_base(), SETTINGS)
        try:
            platform.up()
            with platform.client() as client:
                yield _set_up(platform, client, Path(files), seed, services, quota)
        finally:
            platform.down()


def _set_up(
    platform: Platform, client: Client, files: Path, seed: int, services: Sequence[tuple[str, int]], quota: Quota | None
) -> Campaign:
    subscriber = Subscriber(platform.environment()["MODELYARD_AMQP_URI"])
    subscriber.subscribe()
    earlier = observe.committed(platform)
    subscriber.start()
    patient = Client(client.url, client.token, patience_s=180)
    driver = Driver(patient, files, Places(platform.home / "agent"))
    made = Campaign(platform, driver, subscriber, random.Random(seed), quota, earlier)
    driver.set_up(tuple(dict.fromkeys(prefix for prefix, _ in services)))
    for prefix, load in services:
        driver.start_service(prefix, load)
    say(f"set up after {time.monotonic() - made.began:.0f} s")
    return made


@contextmanager
def _home() -> Iterator[tuple[Path, Quota | None]]:
    """A folder for the instance, on a file system of its own where that is possible."""
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    quota = Quota(folder / "disk", QUOTA_BYTES)
    mounted = quota.mount()
    try:
        yield quota.folder / "home", quota if mounted else None
    finally:
        if mounted:
            quota.unmount()
        shutil.rmtree(folder, ignore_errors=True)
