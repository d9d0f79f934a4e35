"""One round: the holder of a control lease is killed or paused, and the other copy takes over."""

import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import httpx

from services.gateway.client.api import ApiError
from services.kernel.ids import new_id
from tests.copies.platform import Copies, Holding
from tests.support.polling import eventually

PATIENCE_S = 90
NOT_OF_THE_LEASE: Mapping[str, tuple[str, ...]] = {
    # what the same process does as another role: calls of agents and of Triton's node are heartbeats …
    "scheduler": ("nodes",),
    # … sessions are touched by requests, and the log is written by whoever the broker feeds
    "gateway": ("sessions", "event_log", "event_log_counter"),
}


@dataclass(frozen=True)
class Takeover:
    """Seconds from the signal until another copy held the lease, and until it had relayed an event."""

    service: str
    mode: str
    lease_s: float
    work_s: float
    written_by_old: int = 0
    """Documents that the old holder changed after it went on."""

    def __str__(self) -> str:
        times = f"{self.service:<10} {self.mode:<7} lease after {self.lease_s:4.1f} s, event after {self.work_s:4.1f} s"
        return times if self.mode == "killed" else f"{times}, old holder changed {self.written_by_old} documents"


def _present(copies: Copies, service: str) -> Holding:
    found = eventually(lambda: copies.holding(service), PATIENCE_S)
    assert found is not None
    return found


def kill_holder(copies: Copies, service: str, _requests: "Requests") -> Takeover:
    before = _present(copies, service)
    began = time.monotonic()
    os.kill(before.pid, signal.SIGKILL)
    return _measured(copies, service, "killed", before, began)


def pause_holder(copies: Copies, service: str, requests: "Requests") -> Takeover:
    before = _present(copies, service)
    began = time.monotonic()
    os.kill(before.pid, signal.SIGSTOP)
    try:
        found = _measured(copies, service, "paused", before, began)
        # the process of the old holder answers requests too, which is nothing that the lease forbids
        with requests.held_back(), profiled(copies, service):
            os.kill(before.pid, signal.SIGCONT)
            _until_it_knows(copies, service, before)
            # the same look at the new holder, which renews its lease, shows that the look sees something
            eventually(lambda: copies.changed_by(service, _present(copies, service).pid, ()) > 0, PATIENCE_S)
            written = copies.changed_by(service, before.pid, NOT_OF_THE_LEASE.get(service, ()))
    finally:
        os.kill(before.pid, signal.SIGCONT)
    return Takeover(service, found.mode, found.lease_s, found.work_s, written)


def _measured(copies: Copies, service: str, mode: str, before: Holding, began: float) -> Takeover:
    event = copies.commit_event(service)

    def other() -> Holding | None:
        holding = copies.holding(service)
        return holding if holding and holding.holder != before.holder else None

    after = eventually(other, PATIENCE_S)
    lease_s = time.monotonic() - began
    assert after is not None and after.token == before.token + 1
    eventually(lambda: copies.is_relayed(service, event), PATIENCE_S)
    return Takeover(service, mode, lease_s, time.monotonic() - began)


def _until_it_knows(copies: Copies, service: str, before: Holding) -> None:
    """The old holder has found out that the lease is another's, and asked for it again, in vain."""
    eventually(lambda: copies.metric(before.pid, "modelyard_control_lease_held") == 0, PATIENCE_S)
    told = time.time()
    eventually(
        lambda: copies.metric(before.pid, "modelyard_control_lease_asked_timestamp_seconds") > told + 1, PATIENCE_S
    )
    held = copies.holding(service)
    assert held is not None and held.holder != before.holder


@contextmanager
def profiled(copies: Copies, service: str) -> Iterator[None]:
    """mongod notes every statement on the service's database, with the address of its client."""
    database = copies.database(service)
    database.command("profile", 0)
    database["system.profile"].drop()
    database.command("profile", 2)
    try:
        yield
    finally:
        database.command("profile", 0)


@dataclass
class Requests:
    """A person who goes on working: every answer that is no success is asked for again, at the other gateway."""

    copies: Copies
    token: str
    answered: int = 0
    repeated: int = 0
    refused: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._turn = threading.Lock()
        self._urls = cycle(self.copies.urls)
        self._clients = {
            url: httpx.Client(
                base_url=url, timeout=10, trust_env=False, headers={"authorization": f"Bearer {self.token}"}
            )
            for url in self.copies.urls
        }
        self._thread = threading.Thread(target=self._work, name="requests", daemon=True)

    @contextmanager
    def going_on(self) -> Iterator["Requests"]:
        self._thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            self._thread.join(PATIENCE_S)
            for client in self._clients.values():
                client.close()

    def held_back(self) -> threading.Lock:
        """No request begins, and none goes on, while this is held."""
        return self._turn

    def _work(self) -> None:
        while not self._stop.wait(0.1):
            with self._turn:
                self._make_and_look()

    def _make_and_look(self) -> None:
        name = new_id("copies")
        body = {
            "name": name,
            "purpose": {"level1": "image", "level2": "classification"},
            "annotation_mode": "ANNOTATION_MODE_CLASSIFICATION",
            "format": "dir",
            "test_set_mode": "TEST_SET_MODE_RATIO",
        }
        if self._until_answered("POST", "/api/v1/datasets", body):
            self.names.append(name)
        self._until_answered("GET", "/api/v1/tasks", None)

    def _until_answered(self, method: str, path: str, body: dict[str, Any] | None) -> bool:
        headers = {"idempotency-key": new_id("request")} if body else {}
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                response = self._clients[next(self._urls)].request(method, path, json=body, headers=headers)
                if response.is_success:
                    self.answered += 1
                    return True
                problem = f"{method} {path}: {ApiError.of(response).message}"
                if response.status_code not in (429, 503, 504):
                    self.refused.append(problem)
                    return False
            except httpx.TransportError as error:
                problem = f"{method} {path}: {error!r}"
            self.repeated += 1
            if time.monotonic() > deadline:
                self.refused.append(problem)
                return False
