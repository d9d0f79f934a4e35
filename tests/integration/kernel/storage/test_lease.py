"""The control lease on the real server."""

import threading
from collections.abc import Iterator

import pytest

from services.kernel.errors import Conflict
from services.kernel.storage.holders import holder_name
from services.kernel.storage.lease import ControlLease, Holder
from services.kernel.storage.mongo import collection_of, database
from services.kernel.storage.transactions import in_transaction
from tests.integration.kernel.storage.things import ThingDocument
from tests.support.polling import eventually

pytestmark = pytest.mark.usefixtures("database")


def _write(name: str) -> None:
    collection_of(ThingDocument).insert_one({"_id": name, "name": name})


def test_one_holder_and_growing_tokens() -> None:
    one, two = ControlLease("control", "one", ttl=0.5), ControlLease("control", "two", ttl=0.5)
    assert one.acquire() == 1
    assert two.acquire() == 0
    assert one.renew()
    eventually(lambda: two.acquire() == 2, 5)
    assert not one.renew()
    two.release()
    assert one.acquire() == 3
    assert one.acquire() == 4


def test_the_lease_of_a_process_that_has_ended_is_free_at_once() -> None:
    place = holder_name("test").rpartition("@")[2]
    dead, living = ControlLease("control", f"host:99999999:x@{place}"), ControlLease("control", holder_name("test"))
    assert dead.acquire() == 1
    assert living.acquire() == 2
    assert ControlLease("control", holder_name("test")).acquire() == 0
    assert not dead.renew()


def test_a_lease_that_expired_but_was_not_taken_can_be_renewed() -> None:
    one = ControlLease("control", "one", ttl=0.01)
    one.acquire()
    threading.Event().wait(0.1)
    assert one.renew()


def test_the_write_of_an_old_holder_aborts() -> None:
    one, two = ControlLease("control", "one", ttl=0.05), ControlLease("control", "two")
    token = one.acquire()

    def work(lease: ControlLease, fence: int, name: str) -> None:
        _write(name)
        lease.fenced(fence)

    in_transaction(lambda: work(one, token, "in time"))
    eventually(lambda: two.acquire() == 2, 5)
    with pytest.raises(Conflict) as caught:
        in_transaction(lambda: work(one, token, "too late"))
    assert caught.value.reason == "FENCED"
    in_transaction(lambda: work(two, two.token, "the new one"))
    assert {document["_id"] for document in collection_of(ThingDocument).find()} == {"in time", "the new one"}


def test_a_take_over_in_mid_transaction_aborts_the_old_holder() -> None:
    one, two = ControlLease("control", "one", ttl=0.05), ControlLease("control", "two")
    token = one.acquire()
    attempts = 0

    def work() -> None:
        nonlocal attempts
        attempts += 1
        assert collection_of(ThingDocument).find_one({}) is None  # the snapshot is taken here
        if attempts == 1:
            taker = threading.Thread(target=lambda: eventually(lambda: two.acquire() == 2, 5))
            taker.start()
            taker.join(10)
        _write("too late")
        one.fenced(token)

    with pytest.raises(Conflict) as caught:
        in_transaction(work)
    assert caught.value.reason == "FENCED"
    assert attempts == 2
    assert collection_of(ThingDocument).count_documents({}) == 0


class _Recorded:
    """A holder whose calls are noted."""

    def __init__(self, name: str, ttl: float) -> None:
        self.calls: list[str] = []
        self.holder = Holder(ControlLease("control", name, ttl=ttl), self._acquired, lambda: self.calls.append("lost"))

    def _acquired(self, token: int) -> None:
        self.calls.append(f"acquired {token}")


@pytest.fixture
def two_holders() -> Iterator[tuple[_Recorded, _Recorded]]:
    pair = _Recorded("one", 0.8), _Recorded("two", 0.8)
    yield pair
    for recorded in pair:
        recorded.holder.stop()


def test_holders_pass_the_lease_on(two_holders: tuple[_Recorded, _Recorded]) -> None:
    one, two = two_holders
    one.holder.start()
    eventually(lambda: one.calls == ["acquired 1"], 5)
    two.holder.start()
    assert not two.holder.held
    one.holder.stop()
    assert one.calls == ["acquired 1", "lost"]
    eventually(lambda: two.holder.held and two.calls == ["acquired 2"], 5)


def test_a_holder_learns_that_it_was_fenced_out(two_holders: tuple[_Recorded, _Recorded]) -> None:
    one, _ = two_holders
    one.holder.start()
    eventually(lambda: one.calls == ["acquired 1"], 5)
    database()["control_leases"].update_one({"_id": "control"}, {"$set": {"holder": "thief"}, "$inc": {"token": 1}})
    eventually(lambda: one.calls[1:2] == ["lost"], 5)
    eventually(lambda: one.calls[2:] == ["acquired 3"], 5)
