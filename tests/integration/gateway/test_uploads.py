import base64
import hashlib
import random
import socket
from functools import partial

import httpx
import pytest

from services.gateway.uploads import handlers
from services.gateway.uploads.handlers import UploadRule, Uploads
from services.gateway.uploads.models import MongoUploads, UploadDocument
from services.kernel.entity import utc_now
from services.kernel.errors import Conflict
from services.kernel.storage.mongo import collection_of
from services.kernel.storage.objects import MinioStore
from services.kernel.storage.uploads import Part, open_upload, put_part
from tests.integration.gateway.conftest import Running
from tests.support.polling import eventually

TUS = {"Tus-Resumable": "1.0.0"}
PART = {**TUS, "Content-Type": "application/offset+octet-stream"}
MIB = 1024 * 1024


def content(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def create(http: httpx.Client, size: int, **headers: str) -> str:
    name = base64.b64encode("数字.zip".encode()).decode()
    made = http.post(
        "/api/v1/uploads", headers={**TUS, "Upload-Length": str(size), "Upload-Metadata": f"filename {name}", **headers}
    )
    assert made.status_code == 201, made.text
    assert "upload-expires" in made.headers
    return made.headers["location"]


def offset_of(http: httpx.Client, location: str) -> int:
    head = http.head(location, headers=TUS)
    assert head.status_code == 200
    return int(head.headers["upload-offset"])


def stored(gateway: Running, location: str) -> tuple[str, bytes]:
    manifest, stream = open_upload(MinioStore(gateway.settings), location.rpartition("/")[2])
    return manifest.filename, stream.read()


def send_part_and_break(gateway: Running, location: str, offset: int, data: bytes, announced: int) -> None:
    """A PATCH whose line breaks after `data`, before the `announced` bytes came."""
    with begin_part(gateway, location, offset, announced) as line:
        line.sendall(data)


def send_nothing(gateway: Running, location: str) -> socket.socket:
    """A PATCH of which no byte of the body comes."""
    return begin_part(gateway, location, 0, 10)


def begin_part(gateway: Running, location: str, offset: int, announced: int) -> socket.socket:
    host, port = gateway.settings.gateway_http.split(":")
    lines = [
        f"PATCH {location} HTTP/1.1",
        f"Host: {host}",
        f"Authorization: Bearer {gateway.token}",
        "Tus-Resumable: 1.0.0",
        "Content-Type: application/offset+octet-stream",
        f"Upload-Offset: {offset}",
        f"Content-Length: {announced}",
    ]
    line = socket.create_connection((host, int(port)))
    line.sendall("\r\n".join([*lines, "", ""]).encode())
    return line


def test_resumes_after_broken_lines_bit_for_bit(gateway: Running, http: httpx.Client) -> None:
    data = content(40 * MIB + 12345)
    location = create(http, len(data))
    done = 0
    for end in (3 * MIB, 12 * MIB + 1, 30 * MIB):
        send_part_and_break(gateway, location, done, data[done:end], len(data) - done)
        done = eventually(partial(settled_after, location, done), timeout=30)
        # What the server had read but not yet handed over when the line broke is lost: less than a megabyte.
        assert end - MIB < done <= end
        assert offset_of(http, location) == done
    answer = _patched(http, location, done, data[done:])
    assert answer is not None
    assert answer.headers["upload-offset"] == str(len(data))
    filename, found = stored(gateway, location)
    assert filename == "数字.zip"
    assert hashlib.sha256(found).digest() == hashlib.sha256(data).digest()
    state = http.get(location).json()
    assert (state["finished"], state["size"], state["offset"]) == (True, str(len(data)), str(len(data)))


def settled_after(location: str, offset: int) -> int:
    """The offset once the broken request has stored what it had; 0 before."""
    body = collection_of(UploadDocument).find_one({"_id": location.rpartition("/")[2]}) or {}
    return int(body["offset"]) if body["offset"] > offset and not body["lock"] else 0


def _patched(http: httpx.Client, location: str, offset: int, data: bytes) -> httpx.Response | None:
    """The answer, or None while the broken request still holds the upload."""
    answer = http.patch(location, content=data, headers={**PART, "Upload-Offset": str(offset)})
    if answer.status_code == 423:
        return None
    assert answer.status_code == 204, answer.text
    return answer


def test_creation_with_upload_and_empty_upload(gateway: Running, http: httpx.Client) -> None:
    made = http.post("/api/v1/uploads", content=b"abc", headers={**PART, "Upload-Length": "6"})
    assert (made.status_code, made.headers["upload-offset"]) == (201, "3")
    assert _patched(http, made.headers["location"], 3, b"def")
    assert stored(gateway, made.headers["location"])[1] == b"abcdef"
    assert stored(gateway, create(http, 0))[1] == b""


def test_wrong_offset(http: httpx.Client) -> None:
    location = create(http, 10)
    answer = http.patch(location, content=b"abc", headers={**PART, "Upload-Offset": "3"})
    assert answer.status_code == 409
    assert answer.json()["error"]["details"][0]["metadata"] == {"offset": "0"}


def test_more_than_announced(http: httpx.Client) -> None:
    location = create(http, 2)
    assert http.patch(location, content=b"abc", headers={**PART, "Upload-Offset": "0"}).status_code == 413

    def pieces() -> object:
        yield b"abc"

    answer = http.patch(location, content=pieces(), headers={**PART, "Upload-Offset": "0"})  # type: ignore[arg-type]
    assert answer.status_code == 413
    assert offset_of(http, location) == 0


def test_too_large(http: httpx.Client) -> None:
    answer = http.post("/api/v1/uploads", headers={**TUS, "Upload-Length": str(10**12)})
    assert answer.status_code == 413
    assert int(http.options("/api/v1/uploads").headers["tus-max-size"]) == 200 * MIB


def test_only_one_writes(gateway: Running, http: httpx.Client) -> None:
    location = create(http, 10)
    rows = MongoUploads()
    lock = rows.lock(location.rpartition("/")[2])
    assert lock
    assert http.patch(location, content=b"a", headers={**PART, "Upload-Offset": "0"}).status_code == 423
    rows.unlock(location.rpartition("/")[2], lock)
    assert http.patch(location, content=b"a", headers={**PART, "Upload-Offset": "0"}).status_code == 204


def test_a_lock_of_a_killed_process_ends(http: httpx.Client) -> None:
    location = create(http, 10)
    upload_id = location.rpartition("/")[2]
    assert MongoUploads().lock(upload_id)
    collection_of(UploadDocument).update_one({"_id": upload_id}, {"$set": {"locked_until": utc_now()}})
    assert eventually(lambda: _patched(http, location, 0, b"abc"))


def test_a_writer_that_lost_its_lock_changes_nothing(gateway: Running, http: httpx.Client) -> None:
    rows, store = MongoUploads(), MinioStore(gateway.settings)
    hour = utc_now() - utc_now().replace(year=2020)
    uploads = Uploads(rows, store, UploadRule(MIB, hour, hour))
    location = create(http, 6)
    upload = rows.get(location.rpartition("/")[2])
    stalled = rows.lock(upload.id)
    assert stalled
    collection_of(UploadDocument).update_one({"_id": upload.id}, {"$set": {"locked_until": utc_now() - hour}})
    successor = rows.lock(upload.id)
    assert successor
    current = handlers.store_part(uploads, upload, successor, b"abc")
    with pytest.raises(Conflict) as error:
        handlers.store_part(uploads, upload, stalled, b"stale")
    assert error.value.reason == "UPLOAD_TAKEN_OVER"
    with pytest.raises(Conflict) as error:
        rows.record_part(upload.id, stalled, 0, 5, utc_now())
    assert error.value.reason == "UPLOAD_TAKEN_OVER"
    assert rows.parts(current) == [Part(0, 3, successor)]
    put_part(store, upload.id, 0, b"xyz", writer=stalled)  # its write was on the way when it was taken over
    rows.unlock(upload.id, successor)
    assert _patched(http, location, 3, b"def")
    assert stored(gateway, location)[1] == b"abcdef"


def test_uploads_at_once_are_limited_for_each_caller(gateway: Running, http: httpx.Client) -> None:
    limit = gateway.settings.uploads_per_caller
    lines = [send_nothing(gateway, create(http, 10)) for _ in range(limit)]
    location = create(http, 1)
    headers = {**PART, "Upload-Offset": "0"}
    refused = eventually(lambda: refusal(http.patch(location, content=b"", headers=headers)))
    assert refused == "TOO_MANY_STREAMS"
    for line in lines:
        line.close()
    assert eventually(lambda: http.patch(location, content=b"a", headers=headers).status_code == 204)


def refusal(answer: httpx.Response) -> str:
    return str(answer.json()["error"]["details"][0]["reason"]) if answer.status_code == 429 else ""


def test_checksum(http: httpx.Client) -> None:
    location = create(http, 3)
    wrong = base64.b64encode(hashlib.sha256(b"xyz").digest()).decode()
    headers = {**PART, "Upload-Offset": "0"}
    answer = http.patch(location, content=b"abc", headers={**headers, "Upload-Checksum": f"sha256 {wrong}"})
    assert answer.status_code == 460
    assert offset_of(http, location) == 0
    right = base64.b64encode(hashlib.sha256(b"abc").digest()).decode()
    answer = http.patch(location, content=b"abc", headers={**headers, "Upload-Checksum": f"sha256 {right}"})
    assert answer.status_code == 204


def test_termination(gateway: Running, http: httpx.Client) -> None:
    location = create(http, 6)
    assert _patched(http, location, 0, b"abc")
    assert http.delete(location, headers=TUS).status_code == 204
    assert http.head(location, headers=TUS).status_code == 404
    assert list(MinioStore(gateway.settings).list(f"uploads/{location.rpartition('/')[2]}/")) == []


def test_uploads_of_others_are_not_there(http: httpx.Client) -> None:
    location = create(http, 6)
    collection_of(UploadDocument).update_one({"_id": location.rpartition("/")[2]}, {"$set": {"owner": "usr-other"}})
    assert http.head(location, headers=TUS).status_code == 404
    assert http.patch(location, content=b"a", headers={**PART, "Upload-Offset": "0"}).status_code == 404


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Upload-Length": "3"}, 412),
        (TUS, 400),
        ({**TUS, "Upload-Length": "-3"}, 400),
        ({**TUS, "Upload-Length": "3", "Upload-Metadata": "filename %%%"}, 400),
    ],
)
def test_what_is_wrong_with_a_creation(http: httpx.Client, headers: dict[str, str], code: int) -> None:
    assert http.post("/api/v1/uploads", headers=headers).status_code == code


def test_needs_a_token(gateway: Running) -> None:
    with gateway.client(signed_in=False) as client:
        assert client.post("/api/v1/uploads", headers={**TUS, "Upload-Length": "3"}).status_code == 401


def test_expired_uploads_are_removed(gateway: Running, http: httpx.Client) -> None:
    store = MinioStore(gateway.settings)
    location = create(http, 6)
    upload_id = location.rpartition("/")[2]
    assert _patched(http, location, 0, b"abc")
    past = utc_now().replace(year=2020)
    collection_of(UploadDocument).update_one({"_id": upload_id}, {"$set": {"expires_at": past, "locked_until": past}})
    hour = utc_now() - past
    handlers.remove_expired(Uploads(MongoUploads(), store, UploadRule(MIB, hour, hour)))
    assert list(store.list(f"uploads/{upload_id}/")) == []
    assert http.head(location, headers=TUS).status_code == 404
