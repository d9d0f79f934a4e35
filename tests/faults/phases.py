"""Which work is in which phase at this moment."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from services.gateway.client import Client
from services.gateway.client.api import JsonObject

PAGE = 60
OPEN = ("STATE_WAITING", "STATE_TRAINING")
LIVE = ("STATE_PENDING", "STATE_PLACED", "STATE_RUNNING")


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
        try:
            found = [path for path in (self.agent_home / "work" / workload_id).glob("[0-9]*") if path.is_dir()]
        except FileNotFoundError:  # it was removed while it was read
            found = []
        return max(found, key=lambda path: int(path.name), default=None)

    def has_ended(self, workload_id: str) -> bool:
        place = self.of(workload_id)
        return place is not None and (place / "exit.json").exists()


def _workloads(client: Client, tasks: Iterable[JsonObject]) -> dict[str, JsonObject]:
    """The workloads of the tasks, by task. All but those that end or have ended are among the live ones."""
    pages = (client.get("/api/v1/workloads", state=state, page_size=PAGE) for state in LIVE)
    live = {one["id"]: one for page in pages for one in page.get("workloads", [])}
    wanted = {task["id"]: task["workload_id"] for task in tasks if task.get("workload_id")}
    return {
        task_id: live.get(workload_id) or client.get(f"/api/v1/workloads/{workload_id}")
        for task_id, workload_id in wanted.items()
    }


def _phase(task: JsonObject, workload: JsonObject | None, places: Places) -> str:
    """Starting: from the command until the process runs, without the time in the queue. Reporting: from the end of the
    process until the task is final."""
    if workload is None:
        return "starting"
    match workload["state"]:
        case "STATE_PENDING":
            return "queued"
        case "STATE_PLACED":
            return "starting"
        case "STATE_EXITED":
            return "reporting"
        case _:
            return "reporting" if places.has_ended(workload["id"]) else "running"


def look(client: Client, places: Places, importing: str, serving: tuple[str, ...]) -> Phases:
    """Ask the platform, and the agent's folders for what has ended and is being reported."""
    phases: dict[str, list[str]] = defaultdict(list)
    tasks = [task for state in OPEN for task in client.get("/api/v1/tasks", state=state, page_size=PAGE)["tasks"]]
    workloads = _workloads(client, tasks)
    for task in tasks:
        phases[_phase(task, workloads.get(task["id"]), places)].append(task["id"])
    dataset = client.get(f"/api/v1/datasets/{importing}") if importing else {}
    return Phases(
        queued=tuple(phases["queued"]),
        starting=tuple(phases["starting"]),
        running=tuple(phases["running"]),
        reporting=tuple(phases["reporting"]),
        importing=(importing,) if dataset.get("state") == "STATE_IMPORTING" else (),
        serving=serving,
        workloads={task_id: workload["id"] for task_id, workload in workloads.items()},
    )
