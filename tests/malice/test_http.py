"""HTTP that no client of good will sends: too large, too slow, too deep, malformed."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing, suppress

import httpx
import pytest

from services.gateway.client import Client
from tests.e2e.conftest import Platform
from tests.malice.processes import MIB, memory_of, pids_of
from tests.malice.world import World

GIB = 1 << 30
PIECE = bytes(MIB)
FLAT = 250 * MIB
"""What the gateway may grow by: uploads in flight hold a part of 16 MiB each, and the store's client its copies."""


@pytest.fixture(scope="module")
def gateway(platform: Platform) -> int:
    return pids_of(platform)["gateway"]


class Line:
    """A connection on which anything can be said."""

    def __init__(self, platform: Platform, timeout: float = 90) -> None:
        self._socket = socket.create_connection(("127.0.0.1", platform.port_base), timeout=timeout)

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def answer(self) -> bytes:
        """Everything until the other side closes; empty when it closes without a word."""
        pieces = []
        with suppress(ConnectionError):
            while piece := self._socket.recv(1 << 16):
                pieces.append(piece)
        return b"".join(pieces)

    def end(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._socket.close()


def said(platform: Platform, data: bytes, *, ends: bool = True) -> bytes:
    """The answer to raw bytes; the line is half closed after them if nothing else `ends` it."""
    with closing(Line(platform)) as line:
        with suppress(OSError):
            line.send(data)
            if ends:
                line.end()
        return line.answer()


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def zeros(size: int) -> Iterator[bytes]:
    for _ in range(size // len(PIECE)):
        yield PIECE


def head(client: Client, line: str, *headers: str) -> bytes:
    told = "".join(f"{header}\r\n" for header in headers)
    return f"{line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {client.token}\r\n{told}\r\n".encode()


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "chunked"])
def test_a_gigabyte_of_json_is_refused_early(client: Client, platform: Platform, gateway: int, declared: bool) -> None:
    framing = f"Content-Length: {GIB}" if declared else "Transfer-Encoding: chunked"
    sent = 0
    with memory_of(gateway) as growth, closing(Line(platform)) as line:
        line.send(head(client, "POST /api/v1/datasets", "Content-Type: application/json", framing))
        piece = PIECE if declared else f"{len(PIECE):x}\r\n".encode() + PIECE + b"\r\n"
        with suppress(ConnectionError):
            while sent < GIB:
                line.send(piece)
                sent += len(PIECE)
        answer = line.answer()
    assert sent < GIB
    assert status_of(answer) in (0, 413), answer[:200]
    assert growth.grown < FLAT, f"{growth.grown / MIB:.0f} MiB"


def test_a_body_that_is_said_to_be_large_is_refused_before_it_comes(client: Client, platform: Platform) -> None:
    with closing(Line(platform)) as line:
        line.send(head(client, "POST /api/v1/datasets", "Content-Type: application/json", f"Content-Length: {GIB}"))
        answer = line.answer()
    assert status_of(answer) == 413
    assert b"BODY_TOO_LARGE" in answer


@pytest.mark.parametrize("path", ["/api/v1/services/{}:predict", "/v2/models/{}/infer"])
def test_large_bodies_of_inference_are_refused_beyond_their_limit(
    client: Client, world: World, gateway: int, path: str
) -> None:
    with memory_of(gateway) as growth:
        refused = _chunked(client, path.format(world.service_id), 256 * MIB)
    assert refused in (0, 413)
    assert growth.grown < FLAT, f"{growth.grown / MIB:.0f} MiB"
    assert world.answers_rightly()


def _chunked(client: Client, path: str, size: int) -> int:
    try:
        return client.http.post(path, content=zeros(size), headers={"content-type": "application/json"}).status_code
    except httpx.TransportError:
        return 0


@pytest.mark.timeout(900)
def test_a_gigabyte_by_tus_is_streamed(client: Client, gateway: int) -> None:
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": str(GIB)}
    url = client.http.post("/api/v1/uploads", headers=headers).headers["location"]
    content = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    size = 256 * MIB
    with memory_of(gateway) as growth:
        answer = client.http.patch(url, content=zeros(size), headers=content, timeout=600)
    assert answer.headers["upload-offset"] == str(size)
    assert growth.grown < FLAT, f"{growth.grown / MIB:.0f} MiB"
    assert client.http.delete(url, headers=headers).status_code == 204


def test_more_than_was_announced_is_refused(client: Client) -> None:
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "10"}
    url = client.http.post("/api/v1/uploads", headers=headers).headers["location"]
    content = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    assert client.http.patch(url, content=b"x" * 11, headers=content).status_code == 413
    assert client.http.head(url, headers=headers).headers["upload-offset"] == "0"


def test_slow_headers_and_bodies_end_and_starve_nobody(client: Client, platform: Platform) -> None:
    lines = [Line(platform) for _ in range(60)]
    begun = time.monotonic()
    for at, line in enumerate(lines):
        unfinished = b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "
        body = head(client, "POST /api/v1/datasets", "Content-Type: application/json", "Content-Length: 1000") + b"{"
        line.send(body if at % 2 else unfinished)
    for _ in range(20):
        assert client.get("/api/v1/users/current")["name"] == "admin"
    answers = [line.answer() for line in lines]
    for line in lines:
        line.close()
    print(f"slow lines ended after {time.monotonic() - begun:.0f} s")
    assert {status_of(answer) for answer in answers[0::2]} <= {0, 400, 408}
    assert {status_of(answer) for answer in answers[1::2]} == {408}


BODIES: dict[str, bytes] = {
    "deep arrays": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deep purpose": b'{"name": "a", "purpose": ' + b'{"level1":' * 50_000 + b"1" + b"}" * 50_001,
    "huge integer": b'{"name": ' + b"9" * 100_000 + b"}",
    "huge exponent": b'{"import_progress": {"files_done": 1e400}}',
    "integer of many digits": b'{"problem_count": ' + b"1" * 5000 + b"}",
    "NaN": b'{"problem_count": NaN}',
    "duplicate keys": b'{"name": "a", "name": "b"}',
    "invalid UTF-8": b'{"name": "\xff\xfe"}',
    "lone surrogate": b'{"name": "\\ud800", "description": "\\udfff"}',
    "NUL": b'{"name": "a\\u0000b"}',
    "UTF-16": '{"name": "a"}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "not an object": b"[]",
    "null": b"null",
    "nothing": b" ",
    "many keys": json.dumps({f"k{at}": at for at in range(50_000)}).encode(),
    "compressed": b"\x1f\x8b\x08\x00",
}


@pytest.mark.parametrize("name", BODIES)
def test_bodies_that_are_no_request_are_refused(client: Client, name: str) -> None:
    headers = {"content-type": "application/json"}
    answer = client.http.post("/api/v1/datasets", content=BODIES[name], headers=headers)
    assert answer.status_code == 400, answer.text[:300]
    assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"
    assert len(answer.content) < 20_000


REQUESTS: dict[str, tuple[bytes, tuple[int, ...]]] = {
    "huge query": (
        b"GET /?q=" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        (400, 414, 431),
    ),
    "huge header": (b"GET / HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * 200_000 + b"\r\n\r\n", (400, 431)),
    "many headers": (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-A: b\r\n" * 20_000 + b"\r\n", (400, 431)),
    "no request": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), (400,)),
    "HTTP/0.9": (b"GET /\r\n\r\n", (400,)),
    "HTTP/9.9": (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", (200, 400, 505)),
    "odd method": (b"BREW /api/v1/datasets HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", (405,)),
    "CONNECT": (b"CONNECT example.org:80 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", (400, 404, 405)),
    "TRACE": (b"TRACE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", (405,)),
    "two lengths": (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", (400,)),
    "negative length": (b"POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", (400,)),
    "bad chunk": (b"POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n", (0, 400)),
    "bare newlines": (b"GET /healthz HTTP/1.1\nHost: x\nConnection: close\n\n", (200, 400)),
    "NUL in path": (b"GET /api/v1/data\x00sets HTTP/1.1\r\nHost: x\r\n\r\n", (400,)),
    "invalid escape": (
        b"GET /api/v1/datasets/%ff%fe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        (400, 401, 404),
    ),
    "space in name": (b"GET / HTTP/1.1\r\nHost: x\r\nBad Name: x\r\n\r\n", (400,)),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_requests_that_are_none_are_refused(client: Client, platform: Platform, name: str) -> None:
    data, expected = REQUESTS[name]
    answer = said(platform, data)
    assert status_of(answer) in expected, answer[:300]
    assert b"Traceback" not in answer
    assert client.get("/api/v1/users/current")["name"] == "admin"


def test_length_and_chunks_together_smuggle_nothing(client: Client, platform: Platform) -> None:
    """The body's chunks end before the second request begins: it is a request of its own or none, never hidden."""
    inner = b"0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    framing = f"Content-Length: {len(inner)}"
    answer = said(
        platform, head(client, "POST /api/v1/datasets", framing, "Transfer-Encoding: chunked") + inner, ends=False
    )
    assert answer.count(b"HTTP/1.1 ") <= 2
    assert status_of(answer) == 400


def test_pipelined_requests_are_answered_in_order(client: Client, platform: Platform) -> None:
    paths = ["/healthz", "/api/v1/users/current", "/nothing", "/healthz"]
    requests = b"".join(head(client, f"GET {path}") for path in paths[:-1])
    answer = said(platform, requests + head(client, f"GET {paths[-1]}", "Connection: close"), ends=False)
    codes = [int(line.split(b" ")[1]) for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
    # The server may close after any of them, which tells the client to repeat the rest.
    assert codes, answer
    assert codes == [200, 200, 404, 200][: len(codes)], answer


HOSTILE_IDS = (
    "../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e%2f%2e%2e%2fsecrets",
    "....//....//",
    "%00",
    "a%00b",
    "%0d%0aX-Injected:%201",
    "C:%5Cwindows",
    "$(id)",
    "' or 1=1",
    '{"$gt":""}',
    "%F0%9F%98%80",
    "a" * 5000,
)


def test_hostile_ids_in_every_path(client: Client) -> None:
    document, headers = client.get("/openapi.json"), {"Tus-Resumable": "1.0.0", "Content-Type": "application/json"}
    for template, item in document["paths"].items():
        verbs = [verb for verb in ("get", "delete", "post", "patch", "head") if verb in item]
        for hostile in HOSTILE_IDS if "{" in template else ():
            path = _filled(template, hostile)
            for verb in verbs:
                body = b"{}" if verb in ("post", "patch") else b""
                request = client.http.build_request(verb.upper(), client.url, headers=headers, content=body)
                request.url = request.url.copy_with(raw_path=path.encode())
                answer = client.http.send(request)
                assert 400 <= answer.status_code < 500, f"{verb} {path[:200]}: {answer.status_code} {answer.text[:200]}"
                assert "x-injected" not in answer.headers


def _filled(template: str, hostile: str) -> str:
    while "{" in template:
        before, _, rest = template.partition("{")
        template = before + hostile.replace("{", "%7B").replace(" ", "%20") + rest.partition("}")[2]
    return template
