"""The session as a cookie, and the console's files."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from services.gateway.http.browser.cookies import CSRF, CSRF_HEADER, SESSION
from services.gateway.http.browser.files import NONCE, ConsoleFiles
from tests.integration.gateway.conftest import PASSWORD, Running

RIGHT = {"user_name": "admin", "password": PASSWORD}
SESSIONS = "/console/session"
NEW = {"name": "by-cookie", "format": "dir"}


@pytest.fixture
def browser(gateway: Running) -> Iterator[httpx.Client]:
    """A client that holds the cookies of a session and no token."""
    with gateway.client(signed_in=False) as client:
        assert client.post(SESSIONS, json=RIGHT).status_code == 200
        yield client


def reason(answer: httpx.Response) -> str:
    return str(answer.json()["error"]["details"][0]["reason"])


def test_the_token_is_in_a_hidden_cookie_only(gateway: Running) -> None:
    with gateway.client(signed_in=False) as client:
        answer = client.post(SESSIONS, json=RIGHT)
        assert answer.json()["name"] == "admin"
        session, csrf = (
            next(one for one in answer.headers.get_list("set-cookie") if name in one) for name in (SESSION, CSRF)
        )
        assert "HttpOnly" in session and "SameSite=strict" in session and "Secure" not in session
        assert "HttpOnly" not in csrf
        assert client.cookies[SESSION] not in answer.text
        assert client.get("/api/v1/users/current").json()["name"] == "admin"


def test_a_wrong_password_sets_no_cookie(gateway: Running) -> None:
    with gateway.client(signed_in=False) as client:
        answer = client.post(SESSIONS, json=RIGHT | {"password": "wrong"})
        assert (answer.status_code, reason(answer)) == (401, "CREDENTIALS_WRONG")
        assert not client.cookies


@pytest.mark.parametrize("given", [None, "wrong", "0" * 64])
def test_what_changes_something_needs_the_csrf_header(browser: httpx.Client, given: str | None) -> None:
    headers = {} if given is None else {CSRF_HEADER: given}
    answer = browser.delete(SESSIONS, headers=headers)
    assert (answer.status_code, reason(answer)) == (403, "CSRF_TOKEN_WRONG")
    assert browser.get("/api/v1/users/current").status_code == 200


def test_requests_of_other_sites_are_refused(gateway: Running, browser: httpx.Client) -> None:
    foreign = {CSRF_HEADER: browser.cookies[CSRF], "Sec-Fetch-Site": "cross-site"}
    assert reason(browser.delete(SESSIONS, headers=foreign)) == "CROSS_SITE"
    with gateway.client(signed_in=False) as client:
        assert reason(client.post(SESSIONS, json=RIGHT, headers={"Sec-Fetch-Site": "same-site"})) == "CROSS_SITE"


def test_signing_out_ends_the_session_and_the_cookies(gateway: Running, browser: httpx.Client) -> None:
    kept = dict(browser.cookies)
    assert browser.delete(SESSIONS, headers={CSRF_HEADER: browser.cookies[CSRF]}).status_code == 200
    assert not browser.cookies
    with gateway.client(signed_in=False) as thief:
        thief.cookies.update(kept)
        assert thief.get("/api/v1/users/current").status_code == 401


def test_a_token_in_the_header_goes_before_the_cookie(gateway: Running, browser: httpx.Client) -> None:
    assert browser.get("/api/v1/users/current", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert browser.get("/api/v1/users/current", headers=gateway.headers).status_code == 200


def test_a_cookie_that_is_no_token_signs_nobody_in(gateway: Running) -> None:
    with gateway.client(signed_in=False) as client:
        for cookie in (f"{SESSION}=", f"{SESSION}={'x' * 600}", f"{SESSION}=\xff", SESSION):
            headers = [(b"Cookie", cookie.encode("latin-1"))]
            assert client.get("/api/v1/users/current", headers=headers).status_code == 401


@pytest.fixture
async def built(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(f'<meta name="csp-nonce" content="{NONCE}">')
    (tmp_path / "assets" / "main-abc.js").write_bytes(b"plain")
    (tmp_path / "assets" / "main-abc.js.gz").write_bytes(b"zipped")
    (tmp_path / "secret").write_text("not an asset")
    files = ConsoleFiles(tmp_path)
    app = Starlette(routes=[Route("/assets/{name:path}", files.file), Route("/", files.page)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console") as client:
        yield client


async def test_assets_are_kept_for_ever_and_compressed_for_who_takes_it(built: httpx.AsyncClient) -> None:
    plain = await built.get("/assets/main-abc.js", headers={"Accept-Encoding": "identity"})
    assert (plain.content, plain.headers["content-type"]) == (b"plain", "text/javascript; charset=utf-8")
    assert "immutable" in plain.headers["cache-control"]
    async with built.stream("GET", "/assets/main-abc.js", headers={"Accept-Encoding": "gzip"}) as answer:
        assert b"".join([part async for part in answer.aiter_raw()]) == b"zipped"


async def test_every_page_has_a_nonce_of_its_own_and_no_inline_script(built: httpx.AsyncClient) -> None:
    first, second = await built.get("/"), await built.get("/")
    assert first.text != second.text
    nonce = first.text.split('content="')[1].rstrip('">')
    policy = first.headers["content-security-policy"]
    assert f"style-src 'self' 'nonce-{nonce}'" in policy
    assert "script-src 'self';" in policy


def test_addresses_of_pages_are_answered_with_the_page(gateway: Running) -> None:
    with gateway.client(signed_in=False) as client:
        page = client.get("/")
        for address in ("/datasets/ds-1", "/nowhere"):
            answer = client.get(address, headers={"Accept": "text/html,*/*"})
            assert answer.status_code == page.status_code
            assert answer.headers["content-type"].startswith("text/html")
        for address in ("/api/v1/nowhere", "/v2/nowhere", "/assets/nowhere.js"):
            assert client.get(address, headers={"Accept": "text/html"}).status_code == 404
        assert client.get("/nowhere").status_code == 404
        assert client.get("/assets/../secret").status_code == 404
        assert client.get("/assets/%2e%2e/index.html").status_code == 404
