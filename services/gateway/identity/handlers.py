"""What can be done with sessions."""

import math
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import IPv6Address, IPv6Network, ip_address

from services.gateway.identity.domain import Attempts, Session, SessionRule, Sessions, ThrottleRule, User, Users
from services.gateway.identity.passwords import Passwords
from services.kernel.context import Caller
from services.kernel.entity import utc_now
from services.kernel.errors import ResourceExhausted, Unauthenticated
from services.kernel.ids import new_id
from services.kernel.logging import get_logger

log = get_logger(__name__)

ADMINISTRATOR = "admin"
_ADDRESS_FACTOR = 10  # people behind one address share it


@dataclass(frozen=True)
class Identity:
    """The parts that the functions below work with."""

    users: Users
    sessions: Sessions
    attempts: Attempts
    passwords: Passwords
    session_rule: SessionRule
    throttle_rule: ThrottleRule


def session_id_of(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def caller_of(user: User) -> Caller:
    return Caller(user.id, user.name, frozenset(user.roles), user.project)


def ensure_administrator(identity: Identity, password: str) -> bool:
    """Create the first administrator unless there is one; True when it was created. Later passwords are ignored."""
    if identity.users.by_name(ADMINISTRATOR) is not None:
        return False
    user = User(
        id=new_id("usr"),
        name=ADMINISTRATOR,
        roles=("admin",),
        password_hash=identity.passwords.hash(password),
        created_at=utc_now(),
    )
    created = identity.users.add(user)
    if created:
        log.info("administrator_created", user_id=user.id)
    return created


def sign_in(identity: Identity, name: str, password: str, address: str) -> tuple[str, User, Session]:
    """The new session's token, which is shown once. Raises Unauthenticated, ResourceExhausted after many attempts."""
    now = utc_now()
    place = network_of(address)
    own, rule = sha256(f"{name}\n{place}".encode()).hexdigest(), identity.throttle_rule
    shared, shared_rule = f"address:{place}", ThrottleRule(rule.free * _ADDRESS_FACTOR, rule.longest)
    # The name first: what is refused for one name does not use up what the people behind the address share.
    _refuse_for(identity.attempts.begin(own, rule, now))
    left = identity.attempts.begin(shared, shared_rule, now)
    if left:
        identity.attempts.undo(own, rule, now)
        _refuse_for(left)
    user = identity.users.by_name(name)
    right = identity.passwords.verify(user.password_hash if user else None, password)
    if user is None or not right or user.disabled:
        raise Unauthenticated("User name or password is wrong.", reason="CREDENTIALS_WRONG")
    identity.attempts.forget(own)
    # Only this attempt: otherwise an account of one's own would wipe out the failures with other names.
    identity.attempts.undo(shared, shared_rule, now)
    if identity.passwords.outdated(user.password_hash):
        identity.users.set_password_hash(user.id, identity.passwords.hash(password))
    return _begin(identity, user, now)


def network_of(address: str) -> str:
    """What is counted as one place: an IPv4 address, or the /64 of an IPv6 address, which one subscriber has whole."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    return str(found.ipv4_mapped or IPv6Network((int(found), 64), strict=False))


def _refuse_for(left: timedelta) -> None:
    if left:
        seconds = math.ceil(left.total_seconds())
        raise ResourceExhausted(
            f"Too many attempts to sign in; wait {seconds} s.",
            reason="SIGN_IN_THROTTLED",
            metadata={"retry_after_s": str(seconds)},
        )


def _begin(identity: Identity, user: User, now: datetime) -> tuple[str, User, Session]:
    token = secrets.token_urlsafe(32)
    ends_at = now + identity.session_rule.limit
    session = Session(
        id=session_id_of(token),
        user_id=user.id,
        created_at=now,
        expires_at=identity.session_rule.expiry(now, ends_at),
        ends_at=ends_at,
    )
    identity.sessions.add(session)
    return token, user, session


def authenticate(identity: Identity, token: str) -> tuple[Caller, Session]:
    """Whose token this is; the session lives on. Raises Unauthenticated."""
    now = utc_now()
    session = identity.sessions.get(session_id_of(token))
    user = identity.users.by_id(session.user_id) if session and session.expires_at > now else None
    if session is None or user is None or user.disabled:
        raise Unauthenticated("The session has ended or never was; sign in again.", reason="SESSION_INVALID")
    if identity.session_rule.worth_renewing(session, now):
        identity.sessions.renew(session.id, identity.session_rule.expiry(now, session.ends_at))
    return caller_of(user), session


def sign_out(identity: Identity, session_id: str) -> None:
    identity.sessions.remove(session_id)


def user_of(identity: Identity, caller: Caller) -> User:
    user = identity.users.by_id(caller.user_id) if caller.user_id else None
    if user is None:
        raise Unauthenticated("Sign in first: this needs a user.")
    return user
