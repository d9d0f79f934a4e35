"""What the agent needs of an engine that runs workloads on its node."""

from typing import Protocol

from services.scheduler.domain import WorkloadSpec
from services.scheduler.engines.process.engine import Place, ProcessStatus
from services.scheduler.engines.process.shim.files import Exit


class Engine(Protocol):
    """All methods may be repeated, also by another process after this one was killed.

    An engine that reads no inputs (`needs_inputs` false) gets none laid into its folder.
    """

    needs_inputs: bool

    def start(self, place: Place, spec: WorkloadSpec) -> None:
        """Start it unless it runs or has ended. Raises Unavailable when the machine cannot."""

    def status(self, place: Place) -> ProcessStatus: ...

    def started(self, place: Place) -> bool:
        """Whether the work itself has begun."""

    def exit(self, place: Place) -> Exit | None:
        """How it ended, once it has."""

    def stop(self, place: Place, cause: str, grace_s: float) -> None:
        """Ask for the end within `grace_s` seconds; `cause` becomes the reason of the exit."""

    def prepare_restart(self, place: Place) -> None:
        """Forget the end of an interrupted run, so that it can start again in the same folder."""

    def remove(self, place: Place) -> None:
        """End what runs and remove the folder."""
