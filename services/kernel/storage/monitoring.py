"""How long the database takes."""

from prometheus_client import Counter, Histogram
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from services.kernel.metrics import FAST

COMMANDS = Histogram(
    "modelyard_mongodb_command_duration_seconds",
    "Commands to the database; getMore of a change stream waits for changes",
    ["command", "outcome"],
    buckets=FAST,
)
TRANSACTIONS = Histogram(
    "modelyard_mongodb_transaction_duration_seconds", "Transactions with their repetitions", buckets=FAST
)
RETRIES = Counter(
    "modelyard_mongodb_transaction_retries_total", "Transactions that were repeated after a conflict or a lost server"
)


class CommandTimes(CommandListener):
    """Called by the driver in the thread of each command."""

    def started(self, event: CommandStartedEvent) -> None:
        """Nothing to note yet."""

    def succeeded(self, event: CommandSucceededEvent) -> None:
        COMMANDS.labels(event.command_name, "ok").observe(event.duration_micros / 1e6)

    def failed(self, event: CommandFailedEvent) -> None:
        COMMANDS.labels(event.command_name, "error").observe(event.duration_micros / 1e6)
