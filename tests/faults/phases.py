"""Which work is in which phase at this moment."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from services.gateway.client import Client
from services.gateway.client.api import JsonObject

PAGE = 200


PHASES = ("queued", "starting", "running", "reporting", "importing", "serving")


@dataclass(frozen=True)
class Phases:
    """Ids of the tasks in each phase, of the data set being imported, and of the services that give right answers.

    `workloads` are those of the tasks.
    """

    queued: tuple[str, ...] = ()
    starting: tuple[str, ...] = ()
    running: tuple[str, ...] = ()
    reporting: tuple[str, ...] = ()
    importing: tuple[str, ...] = ()
    serving: tuple[str, ...] = ()
    workloads: Mapping[str, str] = field(default_factory=dict)

    @property
    def missing(self) -> list[str]:
        return [name for name in PHASES if not getattr(self, name)]

    def __str__(self) -> str:
        return " ".join(f"{name}={len(getattr(self, name))}" for name in PHASES)


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


def _trainings(client: Client) -> Iterator[tuple[str, JsonObject]]:
    """The newest workloads that are runs of tasks, with the id of the task."""
    for workload in client.get("/api/v1/workloads", page_size=PAGE).get("workloads", []):
        kind, _, run = workload["spec"]["subject"].partition("/")
        if kind == "run":
            yield run.rpartition("-")[0], workload


def look(client: Client, places: Places, importing: str, serving: tuple[str, ...]) -> Phases:
    """Ask the platform, and the agent's folders for what has ended and is being reported."""
    by_state: dict[str, list[str]] = defaultdict(list)
    workloads: dict[str, str] = {}
    for task_id, workload in _trainings(client):
        workloads[task_id] = workload["id"]
        by_state[workload["state"]].append(task_id)
    running = by_state["STATE_RUNNING"]
    ended = [task_id for task_id in running if places.has_ended(workloads[task_id])]
    dataset = client.get(f"/api/v1/datasets/{importing}") if importing else {}
    return Phases(
        queued=tuple(by_state["STATE_PENDING"]),
        starting=tuple(by_state["STATE_PLACED"]),
        running=tuple(task_id for task_id in running if task_id not in ended),
        reporting=tuple(ended),
        importing=(importing,) if dataset.get("state") == "STATE_IMPORTING" else (),
        serving=serving,
        workloads=workloads,
    )
