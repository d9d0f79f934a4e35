"""How the database of `serving` follows the code, oldest first."""

from collections.abc import Sequence

from services.kernel.messaging.migrations import INBOX_DROPPED
from services.kernel.storage.migrations import Migration

MIGRATIONS: Sequence[Migration] = (INBOX_DROPPED,)
