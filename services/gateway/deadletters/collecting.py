"""From the broker's dead-letter queues into the database, and back to the consumers."""

import asyncio
import threading
from collections.abc import Iterable

from aio_pika.exceptions import CONNECTION_EXCEPTIONS, AMQPError

from services.gateway.config import GatewaySettings
from services.gateway.deadletters.models import DeadLetters
from services.gateway.readers import ReaderThread
from services.kernel.errors import Unavailable
from services.kernel.logging import get_logger
from services.kernel.messaging.deadletters import DeadLetter, DeadLetterReader, Queues, Replayer, Undeliverable

REPLAY_BATCH = 200

log = get_logger(__name__)


class CollectorThread(ReaderThread):
    """Collects until `stop` is set. Any number may run: what two of them store is stored once."""

    def __init__(self, settings: GatewaySettings, letters: DeadLetters, queues: Queues, stop: threading.Event) -> None:
        async def store(found: Iterable[DeadLetter]) -> None:
            await asyncio.to_thread(letters.collect, list(found))

        super().__init__("dead-letters", DeadLetterReader(settings, queues, store).run, stop)


def replay_requested(settings: GatewaySettings, letters: DeadLetters) -> None:
    """Work of a control loop. Killed between the publication and the note of it, it publishes again: the consumer's
    inbox knows the event then. Raises Unavailable when the broker does not answer."""
    rows = letters.replaying(REPLAY_BATCH)
    if not rows:
        return

    async def publish() -> None:
        async with Replayer(settings) as replayer:
            for row in rows:
                try:
                    await replayer.publish(await asyncio.to_thread(letters.letter_of, row))
                except Undeliverable as error:
                    await asyncio.to_thread(letters.not_replayed, row, str(error))
                else:
                    await asyncio.to_thread(letters.replayed, row)
                    log.info("dead_letter_replayed", id=row["_id"], queue=row["queue"], event_id=row["event_id"])

    try:
        asyncio.run(publish())
    except (*CONNECTION_EXCEPTIONS, AMQPError, TimeoutError) as error:
        raise Unavailable("The broker does not take dead letters now.") from error
