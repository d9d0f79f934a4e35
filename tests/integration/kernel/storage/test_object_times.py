"""Stored content that is used again is young again, by the clock of the real server."""

import os
import time
from datetime import timedelta

from services.kernel.entity import utc_now
from services.kernel.storage.blobs import REUSED_FOR, blob_key, put_blob
from services.kernel.storage.objects import MinioStore
from tests.support.polling import eventually
from tests.support.servers import Servers

OLD = timedelta(days=30)


def test_old_content_that_is_stored_again_is_young(servers: Servers, store: MinioStore) -> None:
    key = blob_key(put_blob(store, b"the same content").sha256)
    file = servers.instance.data / "objects" / store._bucket / key
    then = time.time() - OLD.total_seconds()
    eventually(file.exists)
    os.utime(file, (then, then))
    assert put_blob(store, b"the same content")
    # Whether or not the server noticed the old time: now it must tell a new one.
    store.put(key, b"the same content")
    found = store.info(key)
    assert found is not None
    assert utc_now() - found.modified_at < REUSED_FOR
    (listed,) = store.scan("blobs/")
    assert utc_now() - listed.modified_at < REUSED_FOR
    assert time.time() - file.stat().st_mtime < REUSED_FOR.total_seconds()
