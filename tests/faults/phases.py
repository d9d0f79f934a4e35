"""Which work is in which phase at this moment."""

from dataclasses import dataclass, fields
from pathlib import Path

from services.gateway.client import Client
from services.gateway.client.api import JsonObject

PAGE = 200


@dataclass(frozen=True)
class Phases:
    """Ids of what is in each phase; `serving` are the services that give right answers."""

    queued: tuple[str, ...] = ()
    starting: tuple[str, ...] = ()
    running: tuple[str, ...] = ()
    reporting: tuple[str, ...] = ()
    importing: tuple[str, ...] = ()
    serving: tuple[str, ...] = ()

    @property
    def missing(self) -> list[str]:
        return [one.name for one in fields(self) if not getattr(self, one.name)]

    def __str__(self) -> str:
        return " ".join(f"{one.name}={len(getattr(self, one.name))}" for one in fields(self))


@dataclass(frozen=True)
class Places:
    """The agent's work folders, where a training that has ended shows before the platform says so."""

    agent_home: Path

    def of(self, workload_id: str) -> Path | None:
        """The newest folder of a workload."""
        found = [path for path in (self.agent_home / "work" / workload_id).glob("[0-9]*") if path.is_dir()]
        return max(found, key=lambda path: int(path.name), default=None)

    def has_ended(self, workload_id: str) -> bool:
        place = self.of(workload_id)
        return place is not None and (place / "exit.json").exists()


def trainings(client: Client) -> list[JsonObject]:
    """The newest workloads that are runs of tasks."""
    found = client.get("/api/v1/workloads", page_size=PAGE).get("workloads", [])
    return [workload for workload in found if workload["spec"]["subject"].startswith("run/")]


def look(client: Client, places: Places, importing: str, serving: tuple[str, ...]) -> Phases:
    """Ask the platform, and the agent's folders for what has ended and is being reported."""
    by_state: dict[str, list[str]] = {}
    for workload in trainings(client):
        by_state.setdefault(workload["state"], []).append(workload["id"])
    running = by_state.get("STATE_RUNNING", [])
    ended = [workload_id for workload_id in running if places.has_ended(workload_id)]
    dataset = client.get(f"/api/v1/datasets/{importing}") if importing else {}
    return Phases(
        queued=tuple(by_state.get("STATE_PENDING", [])),
        starting=tuple(by_state.get("STATE_PLACED", [])),
        running=tuple(workload_id for workload_id in running if workload_id not in ended),
        reporting=tuple(ended),
        importing=(importing,) if dataset.get("state") == "STATE_IMPORTING" else (),
        serving=serving,
    )
