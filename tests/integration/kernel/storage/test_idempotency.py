"""Commands done once, against the real server."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.kernel.errors import Conflict, InvalidArgument
from services.kernel.storage.idempotency import remembered
from services.kernel.storage.mongo import collection_of
from tests.integration.kernel.storage.things import Thing, ThingDocument, things

pytestmark = pytest.mark.usefixtures("database")


def test_the_second_call_gets_the_first_answer() -> None:
    assert remembered("k", lambda: b"one") == (b"one", False)
    assert remembered("k", lambda: b"two") == (b"one", True)
    assert remembered("other", lambda: b"") == (b"", False)
    assert remembered("other", lambda: b"x") == (b"", True)


def test_another_request_under_the_same_key_is_refused() -> None:
    remembered("k", lambda: b"one", fingerprint="a")
    with pytest.raises(InvalidArgument) as caught:
        remembered("k", lambda: b"two", fingerprint="b")
    assert caught.value.reason == "REQUEST_ID_REUSED"


def test_a_failure_is_not_remembered() -> None:
    def fails() -> bytes:
        things().add(Thing(id="t-1", name="a"))
        raise Conflict("no")

    with pytest.raises(Conflict):
        remembered("k", fails)
    assert collection_of(ThingDocument).count_documents({}) == 0
    assert remembered("k", lambda: b"now") == (b"now", False)


def test_concurrent_duplicates_run_once() -> None:
    start = threading.Barrier(6)

    def call(number: int) -> tuple[bytes, bool]:
        def work() -> bytes:
            things().add(Thing(id=f"t-{number}", name=str(number)))
            return str(number).encode()

        start.wait(10)
        return remembered("k", work)

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(call, range(6)))
    assert len({answer for answer, _ in answers}) == 1
    assert sorted(again for _, again in answers) == [False, True, True, True, True, True]
    stored = list(collection_of(ThingDocument).find())
    assert [thing["name"].encode() for thing in stored] == [answers[0][0]]
