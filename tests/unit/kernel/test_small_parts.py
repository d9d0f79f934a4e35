"""Ids, caller tokens, rights and trace context."""

import time

import pytest

from services.kernel import rights, tokens
from services.kernel.context import Caller, acting_as, current_traceparent, with_trace
from services.kernel.entity import Entity, Visibility
from services.kernel.errors import NotFound, PermissionDenied, Unauthenticated
from services.kernel.ids import new_id

KEY = "k" * 40
ANN = Caller("user-ann", "ann", frozenset({"trainer"}))
BOB = Caller("user-bob", "bob", frozenset({"trainer"}))
ADMIN = Caller("user-admin", "admin", frozenset({"admin"}))


def test_ids_sort_by_the_time_they_were_made() -> None:
    first = new_id("ds")
    deadline = time.time_ns() // 1_000_000 + 1
    while time.time_ns() // 1_000_000 <= deadline:
        pass
    assert first < new_id("ds")
    assert len(first) == len("ds-") + 26


def test_a_token_carries_the_caller() -> None:
    assert tokens.verify(tokens.sign(ANN, KEY), KEY) == ANN


@pytest.mark.parametrize(
    "token",
    ["", "nonsense", tokens.sign(ANN, "x" * 40), tokens.sign(ANN, KEY, ttl_s=-60)],
    ids=["empty", "malformed", "signed by another key", "expired"],
)
def test_a_bad_token_is_refused(token: str) -> None:
    with pytest.raises(Unauthenticated):
        tokens.verify(token, KEY)


def entity(visibility: Visibility) -> Entity:
    return Entity(id="thing-1", owner=ANN.user_id, visibility=visibility)


def test_a_private_thing_does_not_exist_for_others() -> None:
    with acting_as(BOB), pytest.raises(NotFound):
        rights.require_visible(entity(Visibility.PRIVATE))


@pytest.mark.parametrize("visibility", [Visibility.PUBLIC, Visibility.PRESET])
def test_a_shared_thing_is_seen_but_not_changed_by_others(visibility: Visibility) -> None:
    with acting_as(BOB):
        rights.require_visible(entity(visibility))
        with pytest.raises(PermissionDenied):
            rights.require_owner(entity(visibility))


@pytest.mark.parametrize("caller", [ANN, ADMIN])
def test_owner_and_administrator_change_it(caller: Caller) -> None:
    with acting_as(caller):
        rights.require_owner(entity(Visibility.PRIVATE))


def test_nobody_sees_anything() -> None:
    with pytest.raises(Unauthenticated):
        rights.visible_query()


def test_a_trace_is_continued_with_a_new_span() -> None:
    given = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    with with_trace(given):
        _, trace, span, _ = current_traceparent().split("-")
    assert trace == "a" * 32
    assert span != "b" * 16


@pytest.mark.parametrize("broken", ["", "x", "00-zz-1-01", "00-" + "a" * 31 + "-b-01"])
def test_a_broken_trace_begins_a_new_one(broken: str) -> None:
    with with_trace(broken):
        assert len(current_traceparent()) == 55


def test_a_token_that_was_good_is_refused_once_it_has_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    token = tokens.sign(ANN, KEY)
    assert tokens.verify(token, KEY) == ANN
    later = time.time() + 70
    monkeypatch.setattr(time, "time", lambda: later)
    with pytest.raises(Unauthenticated):
        tokens.verify(token, KEY)
