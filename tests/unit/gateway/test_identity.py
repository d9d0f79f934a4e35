from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from argon2 import PasswordHasher

from services.gateway.forwarding.front import address_of_peer
from services.gateway.identity import handlers
from services.gateway.identity.domain import Session, SessionRule, ThrottleRule, User
from services.gateway.identity.passwords import Passwords
from services.kernel.entity import utc_now
from services.kernel.errors import ResourceExhausted, Unauthenticated

QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


class FakeUsers:
    def __init__(self) -> None:
        self.rows: dict[str, User] = {}

    def by_name(self, name: str) -> User | None:
        return next((user for user in self.rows.values() if user.name == name), None)

    def by_id(self, user_id: str) -> User | None:
        return self.rows.get(user_id)

    def add(self, user: User) -> bool:
        if self.by_name(user.name):
            return False
        self.rows[user.id] = user
        return True

    def set_password_hash(self, user_id: str, password_hash: str) -> None:
        self.rows[user_id] = replace(self.rows[user_id], password_hash=password_hash)


class FakeSessions:
    def __init__(self) -> None:
        self.rows: dict[str, Session] = {}

    def add(self, session: Session) -> None:
        self.rows[session.id] = session

    def get(self, session_id: str) -> Session | None:
        return self.rows.get(session_id)

    def renew(self, session_id: str, expires_at: datetime) -> None:
        if session_id in self.rows:
            self.rows[session_id] = replace(self.rows[session_id], expires_at=expires_at)

    def remove(self, session_id: str) -> None:
        self.rows.pop(session_id, None)


class FakeAttempts:
    def __init__(self) -> None:
        self.counts: dict[str, tuple[int, datetime]] = {}

    def begin(self, key: str, rule: ThrottleRule, now: datetime) -> timedelta:
        count, until = self.counts.get(key, (0, now))
        if until > now:
            return until - now
        self.counts[key] = (count + 1, now + rule.wait(count + 1))
        return timedelta()

    def undo(self, key: str, rule: ThrottleRule, now: datetime) -> None:
        count, until = self.counts[key]
        self.counts[key] = (count - 1, now if until == now + rule.wait(count) else until)

    def forget(self, key: str) -> None:
        self.counts.pop(key, None)


@pytest.fixture
def identity() -> handlers.Identity:
    found = handlers.Identity(
        FakeUsers(),
        FakeSessions(),
        FakeAttempts(),
        Passwords(QUICK),
        SessionRule(timedelta(hours=12), timedelta(days=7)),
        ThrottleRule(3, timedelta(minutes=15)),
    )
    assert handlers.ensure_administrator(found, "correct horse")
    return found


def test_the_first_administrator_is_made_once(identity: handlers.Identity) -> None:
    assert not handlers.ensure_administrator(identity, "another password")
    token, user, _ = handlers.sign_in(identity, "admin", "correct horse", "::1")
    assert user.roles == ("admin",)
    caller, _ = handlers.authenticate(identity, token)
    assert caller.is_admin


def test_the_token_is_not_stored(identity: handlers.Identity) -> None:
    token, _, session = handlers.sign_in(identity, "admin", "correct horse", "::1")
    assert token not in repr(identity.sessions.get(session.id))
    assert session.id == handlers.session_id_of(token)


@pytest.mark.parametrize(("name", "password"), [("admin", "wrong"), ("nobody", "correct horse")])
def test_wrong_credentials_look_the_same(identity: handlers.Identity, name: str, password: str) -> None:
    with pytest.raises(Unauthenticated) as error:
        handlers.sign_in(identity, name, password, "::1")
    assert error.value.message == "User name or password is wrong."


def test_guessing_is_slowed_down_even_with_the_right_password(identity: handlers.Identity) -> None:
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            handlers.sign_in(identity, "admin", "wrong", "::1")
    with pytest.raises(ResourceExhausted) as error:
        handlers.sign_in(identity, "admin", "correct horse", "::1")
    assert error.value.metadata == {"retry_after_s": "1"}
    with pytest.raises(ResourceExhausted):
        handlers.sign_in(identity, "admin", "correct horse", "::2")
    handlers.sign_in(identity, "admin", "correct horse", "2001:db8::1")


def test_success_keeps_the_failures_with_other_names(identity: handlers.Identity) -> None:
    for number in range(29):
        with pytest.raises(Unauthenticated):
            handlers.sign_in(identity, f"guess-{number}", "wrong", "10.0.0.1")
        handlers.sign_in(identity, "admin", "correct horse", "10.0.0.1")
    with pytest.raises(Unauthenticated):
        handlers.sign_in(identity, "guess-29", "wrong", "10.0.0.1")
    with pytest.raises(ResourceExhausted):
        handlers.sign_in(identity, "guess-30", "wrong", "10.0.0.1")


def test_refusals_of_one_name_do_not_count_for_the_address(identity: handlers.Identity) -> None:
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            handlers.sign_in(identity, "admin", "wrong", "10.0.0.1")
    for _ in range(100):
        with pytest.raises(ResourceExhausted):
            handlers.sign_in(identity, "admin", "wrong", "10.0.0.1")
    with pytest.raises(Unauthenticated):
        handlers.sign_in(identity, "nobody", "wrong", "10.0.0.1")


def test_an_attempt_that_the_address_refuses_does_not_count_for_the_name(identity: handlers.Identity) -> None:
    assert isinstance(identity.attempts, FakeAttempts)
    later = utc_now() + timedelta(minutes=1)
    identity.attempts.counts["address:10.0.0.1"] = (31, later)
    for _ in range(10):
        with pytest.raises(ResourceExhausted):
            handlers.sign_in(identity, "admin", "correct horse", "10.0.0.1")
    identity.attempts.counts["address:10.0.0.1"] = (31, utc_now())
    assert handlers.sign_in(identity, "admin", "correct horse", "10.0.0.1")


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("unix:", "unix:"),
        ("", ""),
    ],
)
def test_what_counts_as_one_place(address: str, place: str) -> None:
    assert handlers.network_of(address) == place


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:127.0.0.1:5000", "127.0.0.1"),
        ("ipv6:[::1]:5000", "::1"),
        ("ipv6:%5B::1%5D:5000", "::1"),
        ("unix:", "unix:"),
    ],
)
def test_addresses_of_grpc_peers(peer: str, address: str) -> None:
    assert address_of_peer(peer) == address


def test_waits_double_up_to_the_longest() -> None:
    rule = ThrottleRule(2, timedelta(seconds=10))
    assert [rule.wait(count).total_seconds() for count in range(8)] == [0, 0, 1, 2, 4, 8, 10, 10]
    assert rule.wait(10_000) == timedelta(seconds=10)


def test_sessions_slide_but_not_past_their_limit(identity: handlers.Identity) -> None:
    token, _, session = handlers.sign_in(identity, "admin", "correct horse", "::1")
    now = utc_now()
    nearly = replace(session, expires_at=now + timedelta(seconds=30), ends_at=now + timedelta(hours=1))
    identity.sessions.add(nearly)
    handlers.authenticate(identity, token)
    renewed = identity.sessions.get(session.id)
    assert renewed is not None
    assert renewed.expires_at == nearly.ends_at


def test_ended_sessions_and_disabled_users_are_refused(identity: handlers.Identity) -> None:
    token, user, session = handlers.sign_in(identity, "admin", "correct horse", "::1")
    identity.sessions.add(replace(session, expires_at=utc_now() - timedelta(seconds=1)))
    with pytest.raises(Unauthenticated):
        handlers.authenticate(identity, token)
    token, user, session = handlers.sign_in(identity, "admin", "correct horse", "::1")
    assert isinstance(identity.users, FakeUsers)
    identity.users.rows[user.id] = replace(user, disabled=True)
    with pytest.raises(Unauthenticated):
        handlers.authenticate(identity, token)


def test_sign_out_ends_the_session(identity: handlers.Identity) -> None:
    token, _, session = handlers.sign_in(identity, "admin", "correct horse", "::1")
    handlers.sign_out(identity, session.id)
    with pytest.raises(Unauthenticated):
        handlers.authenticate(identity, token)
