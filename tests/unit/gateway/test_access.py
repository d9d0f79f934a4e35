from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.gateway.access import Access, Authenticator, OpenStreams
from services.gateway.buckets import TokenBuckets
from services.gateway.identity import handlers
from services.gateway.identity.handlers import Identity
from services.kernel.errors import ResourceExhausted, Unauthenticated
from tests.unit.gateway.test_identity import identity

__all__ = ["identity"]  # the fixture


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as made:
        yield made


@pytest.fixture
def authenticator(identity: Identity, pool: ThreadPoolExecutor) -> Authenticator:
    return Authenticator(identity, pool)


def access_with(authenticator: Authenticator, burst: int) -> Access:
    return Access(authenticator, TokenBuckets(0.001, burst))


async def test_a_caller_and_its_deadline(identity: Identity, authenticator: Authenticator) -> None:
    token, user, session = handlers.sign_in(identity, "admin", "correct horse", "::1")
    call = await access_with(authenticator, 10).admit(f"Bearer {token}", address="::1", traceparent="t", time_s=5)
    assert (call.caller.user_id, call.session, call.address, call.traceparent) == (user.id, session.id, "::1", "t")
    assert call.time_left is not None
    assert 4 < call.time_left <= 5


async def test_who_is_known_is_limited_by_user(identity: Identity, authenticator: Authenticator) -> None:
    token, _, _ = handlers.sign_in(identity, "admin", "correct horse", "::1")
    access = access_with(authenticator, 3)
    for address in ("::1", "::2", "::3"):
        await access.admit(f"Bearer {token}", address=address, traceparent="")
    with pytest.raises(ResourceExhausted) as error:
        await access.admit(f"Bearer {token}", address="::4", traceparent="")
    assert error.value.reason == "RATE_LIMITED"
    assert int(error.value.metadata["retry_after_s"]) >= 1


async def test_inference_has_a_limit_of_its_own(identity: Identity, authenticator: Authenticator) -> None:
    token, _, _ = handlers.sign_in(identity, "admin", "correct horse", "::1")
    access = Access(authenticator, TokenBuckets(0.001, 2), inference=TokenBuckets(0.001, 5))

    async def ask(*, inference: bool) -> None:
        await access.admit(f"Bearer {token}", address="::1", traceparent="", inference=inference)

    await ask(inference=False)
    for _ in range(5):
        await ask(inference=True)
    with pytest.raises(ResourceExhausted):
        await ask(inference=True)
    await ask(inference=False)


async def test_invented_tokens_are_limited_by_address(authenticator: Authenticator) -> None:
    access = access_with(authenticator, 3)
    for number in range(3):
        with pytest.raises(Unauthenticated):
            await access.admit(f"Bearer invented-{number}", address="::1", traceparent="")
    with pytest.raises(ResourceExhausted):
        await access.admit("Bearer invented-4", address="::1", traceparent="")
    with pytest.raises(Unauthenticated):
        await access.admit("Bearer invented-5", address="::2", traceparent="")


async def test_sign_out_holds_at_once(identity: Identity, authenticator: Authenticator) -> None:
    token, _, session = handlers.sign_in(identity, "admin", "correct horse", "::1")
    access = access_with(authenticator, 10)
    await access.admit(f"Bearer {token}", address="::1", traceparent="")
    handlers.sign_out(identity, session.id)
    authenticator.forget(session.id)
    with pytest.raises(Unauthenticated):
        await access.admit(f"Bearer {token}", address="::1", traceparent="")


@pytest.mark.parametrize("header", ["", "Bearer", "Basic YTpi", "Bearer " + "x" * 1000])
async def test_malformed_headers(authenticator: Authenticator, header: str) -> None:
    with pytest.raises(Unauthenticated):
        await access_with(authenticator, 10).admit(header, address="::1", traceparent="")


async def test_public_methods_need_no_token(authenticator: Authenticator) -> None:
    call = await access_with(authenticator, 10).admit("", address="::1", traceparent="", public=True)
    assert call.caller.user_id == ""


def test_open_streams_are_limited_for_each_caller() -> None:
    streams = OpenStreams(2)
    with streams.hold("usr-1"), streams.hold("usr-2"):
        with streams.hold("usr-1"):
            with pytest.raises(ResourceExhausted) as error, streams.hold("usr-1"):
                pass
            assert error.value.reason == "TOO_MANY_STREAMS"
            with streams.hold("usr-2"):
                pass
        with streams.hold("usr-1"):
            pass


def test_a_stream_that_fails_is_not_open_any_more() -> None:
    streams = OpenStreams(1)
    for _ in range(3):
        with pytest.raises(ValueError, match="broken"), streams.hold("usr-1"):
            raise ValueError("broken")
