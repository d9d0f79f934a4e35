"""What has to be made true after a restore: processes, brokers and leases of the time of the backup are gone."""

from collections.abc import Callable
from datetime import UTC, datetime

from deploy.operation.servers import SERVICES, Client, database_of
from services.kernel.config import KernelSettings
from services.kernel.storage import mongo
from services.scheduler import recovery as scheduler

TOKENS_SKIPPED = 1_000_000
"""More than the control leases of the lost platform can have changed hands after the backup."""

Say = Callable[[str], None]


def recover(client: Client, settings: KernelSettings, say: Say) -> None:
    """Make leases, jobs, events and workloads safe to go on with, in databases of this release. May be repeated."""
    for service in SERVICES:
        database = database_of(client, service)
        # Who still believes to hold a lease of before cannot commit any more.
        gone = {"holder": "", "expires_at": datetime.fromtimestamp(0, UTC)}
        database["control_leases"].update_many({}, {"$set": gone, "$inc": {"token": TOKENS_SKIPPED}})
        waiting = {"state": "pending", "claimed_by": "", "claimed_until": None, "not_before": datetime.now(UTC)}
        jobs = database["jobs"].update_many({"state": "running"}, {"$set": waiting, "$inc": {"attempts": -1}})
        # What the lost broker had not delivered cannot be known; consumers pass over what they have had.
        again = {"$set": {"sent": False}, "$unset": {"sent_at": ""}}
        events = database["outbox"].update_many({"sent": True}, again)
        if jobs.modified_count or events.modified_count:
            say(f"{service}: {jobs.modified_count} jobs and {events.modified_count} events are taken up again")
    mongo.connect(settings, "scheduler", any_state=True)
    try:
        say(f"scheduler: {scheduler.recover()}")
    finally:
        mongo.disconnect()
