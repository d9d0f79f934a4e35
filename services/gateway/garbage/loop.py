"""When garbage is collected: daily, and when an administrator asks."""

from dataclasses import dataclass
from datetime import timedelta

from services.gateway.deadletters.models import DeadLetterDocument
from services.gateway.garbage import models
from services.gateway.garbage.collector import Collector
from services.gateway.garbage.models import State
from services.gateway.uploads.models import UploadDocument
from services.kernel import control
from services.kernel.entity import utc_now
from services.kernel.errors import Conflict, DomainError
from services.kernel.logging import get_logger
from services.kernel.maintenance import BLOB, FOLDER, Held
from services.kernel.storage.mongo import BsonDocument
from services.kernel.workfolder import WorkFolder

AFTER_FAILURE = timedelta(hours=1)
PLATFORM = "service:gateway"

HELD = (Held(UploadDocument, "_id", FOLDER, prefix="uploads/"), Held(DeadLetterDocument, "blob", BLOB))
"""What the gateway itself needs."""

log = get_logger(__name__)


@dataclass(frozen=True)
class GarbageLoop:
    """Work of a control loop. `every`: time between two collections that nobody asked for."""

    collector: Collector
    every: timedelta
    work: WorkFolder

    def run_due(self) -> None:
        """Make the one that waits or was interrupted, or a new one when it is time."""
        row = models.take()
        if row is None and models.is_due(self.every, AFTER_FAILURE):
            control.transaction(lambda: models.create(dry_run=False, actor=PLATFORM))
            row = models.take()
        if row is not None:
            self._run(row)

    def _run(self, row: BsonDocument) -> None:
        try:
            with self.work.scratch() as scratch:
                counts = self.collector.run(row["_id"], row["started_at"], scratch, dry_run=row["dry_run"])
        except Conflict:
            raise  # the lease is another's now, who begins anew
        except DomainError as error:
            self._fail(row, error.message)
            return
        except Exception:
            self._fail(row, "It failed; the reason is in the log of the gateway.")
            raise
        ended = {"state": State.DONE.value, "ended_at": utc_now()}
        control.transaction(lambda: models.note(row["_id"], counts, **ended))
        log.info("garbage_collected", id=row["_id"], dry_run=row["dry_run"], removed=counts.removed.objects)

    def _fail(self, row: BsonDocument, why: str) -> None:
        log.warning("garbage_not_collected", id=row["_id"], error=why)
        control.transaction(lambda: models.fail(row["_id"], why))
