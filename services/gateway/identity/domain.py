"""Users, sessions and the rule that slows guessing down."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True)
class User:
    """A person with an account. `roles` are `admin` or `trainer`; `password_hash` is an argon2 string."""

    id: str
    name: str
    roles: tuple[str, ...]
    password_hash: str
    created_at: datetime
    email: str = ""
    project: str = "default"
    disabled: bool = False


@dataclass(frozen=True)
class Session:
    """`id` is the SHA-256 of the token, which is kept nowhere. It ends at `expires_at`, at the latest at `ends_at`."""

    id: str
    user_id: str
    created_at: datetime
    expires_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class SessionRule:
    """A session ends after `idle` without a request and after `limit` in any case."""

    idle: timedelta
    limit: timedelta

    def expiry(self, now: datetime, ends_at: datetime) -> datetime:
        return min(now + self.idle, ends_at)

    def worth_renewing(self, session: Session, now: datetime) -> bool:
        """Whether a renewal moves the end by enough to be written: a twentieth of the idle time."""
        return self.expiry(now, session.ends_at) - session.expires_at > self.idle / 20


@dataclass(frozen=True)
class ThrottleRule:
    """After `free` attempts the next has to wait: 1 s, 2 s, 4 s … up to `longest`. Success resets the count."""

    free: int
    longest: timedelta

    def wait(self, attempts: int) -> timedelta:
        """How long nobody may try after `attempts` that have not succeeded."""
        if attempts < self.free:
            return timedelta()
        return min(timedelta(seconds=2 ** min(attempts - self.free, 30)), self.longest)


class Users(Protocol):
    def by_name(self, name: str) -> User | None: ...

    def by_id(self, user_id: str) -> User | None: ...

    def add(self, user: User) -> bool:
        """False when a user of this name exists already."""

    def set_password_hash(self, user_id: str, password_hash: str) -> None: ...


class Sessions(Protocol):
    def add(self, session: Session) -> None: ...

    def get(self, session_id: str) -> Session | None: ...

    def renew(self, session_id: str, expires_at: datetime) -> None: ...

    def remove(self, session_id: str) -> None: ...


class Attempts(Protocol):
    """Counts attempts before they are judged, so that many at once count each."""

    def begin(self, key: str, rule: ThrottleRule, now: datetime) -> timedelta:
        """Count an attempt. Zero: go on. Otherwise it does not count and this long is left to wait."""

    def undo(self, key: str, rule: ThrottleRule, now: datetime) -> None:
        """Take back the attempt that began at `now`, and its wait unless others were counted since."""

    def forget(self, key: str) -> None: ...
