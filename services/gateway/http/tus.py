"""Resumable uploads by tus 1.0.0 with creation, creation-with-upload, termination, checksum and expiration.

https://tus.io/protocols/resumable-upload
"""

import asyncio
import base64
import binascii
import hashlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC
from email.utils import format_datetime
from typing import ParamSpec, TypeVar

from prometheus_client import Counter
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.access import Access
from services.gateway.http.errors import HttpError
from services.gateway.http.requests import ClientGone, address_of, chunks, content_length, too_large
from services.gateway.uploads import handlers
from services.gateway.uploads.handlers import PART_BYTES, Uploads
from services.gateway.uploads.models import LOCK_S, Upload
from services.kernel.context import Caller, current_traceparent
from services.kernel.errors import Conflict, FailedPrecondition, InvalidArgument, Unavailable
from services.kernel.logging import get_logger

log = get_logger(__name__)

RECEIVED = Counter("modelyard_upload_bytes_total", "Bytes of uploads that were stored")
FINISHED = Counter("modelyard_uploads_finished_total", "Uploads of which all bytes are there")

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,termination,checksum,expiration"
PATH = "/api/v1/uploads"
CONTENT_TYPE = "application/offset+octet-stream"
_LONGEST_METADATA = 4096

P = ParamSpec("P")
T = TypeVar("T")


class TusEndpoint:
    """`closing` is set when the process should end: what has arrived is stored then."""

    def __init__(
        self, access: Access, uploads: Uploads, *, body_idle_s: float, at_once: int, closing: asyncio.Event
    ) -> None:
        self._access = access
        self._uploads = uploads
        self._body_idle_s = body_idle_s
        self._turn = asyncio.Semaphore(at_once)
        self._closing = closing

    async def options(self, _request: Request) -> Response:
        return Response(
            status_code=204,
            headers={
                "Tus-Resumable": VERSION,
                "Tus-Version": VERSION,
                "Tus-Extension": EXTENSIONS,
                "Tus-Max-Size": str(self._uploads.rule.limit),
                "Tus-Checksum-Algorithm": "sha256",
            },
        )

    async def create(self, request: Request) -> Response:
        caller = await self._admit(request)
        size = _number(request, "upload-length")
        if size is None:
            raise InvalidArgument("The header Upload-Length is needed.", reason="HEADER_MISSING")
        metadata = request.headers.get("upload-metadata", "")
        filename = _filename(metadata)
        if size > self._uploads.rule.limit:
            raise too_large(self._uploads.rule.limit)
        upload = await _in_thread(
            handlers.create, self._uploads, caller, size=size, filename=filename, metadata=metadata
        )
        if request.headers.get("content-type") == CONTENT_TYPE:
            upload = await self._receive(request, upload)
        return _answer(upload, 201, {"Location": f"{PATH}/{upload.id}"})

    async def head(self, request: Request) -> Response:
        upload = await self._own(request)
        headers = {"Upload-Length": str(upload.size), "Cache-Control": "no-store"}
        return _answer(upload, 200, headers | ({"Upload-Metadata": upload.metadata} if upload.metadata else {}))

    async def show(self, request: Request) -> Response:
        """The state as JSON, for people and programs that do not speak tus."""
        upload = await self._own(request, tus=False)
        body = {
            "id": upload.id,
            "filename": upload.filename,
            "size": str(upload.size),
            "offset": str(upload.offset),
            "finished": upload.finished,
            "created_at": upload.created_at.isoformat().replace("+00:00", "Z"),
            "expires_at": upload.expires_at.isoformat().replace("+00:00", "Z"),
        }
        return Response(json.dumps(body, ensure_ascii=False), media_type="application/json")

    async def patch(self, request: Request) -> Response:
        upload = await self._own(request)
        if request.headers.get("content-type") != CONTENT_TYPE:
            raise HttpError(415, InvalidArgument(f"Content-Type must be {CONTENT_TYPE}.", reason="CONTENT_TYPE_WRONG"))
        offset = _number(request, "upload-offset")
        if offset is None:
            raise InvalidArgument("The header Upload-Offset is needed.", reason="HEADER_MISSING")
        return _answer(await self._receive(request, upload, offset), 204)

    async def delete(self, request: Request) -> Response:
        upload = await self._own(request)
        async with self._locked(upload):
            await _in_thread(handlers.remove, self._uploads, upload)
        return Response(status_code=204, headers={"Tus-Resumable": VERSION})

    async def _admit(self, request: Request, *, tus: bool = True) -> Caller:
        if tus and request.headers.get("tus-resumable") != VERSION:
            error = FailedPrecondition(f"The header Tus-Resumable must be {VERSION}.", reason="TUS_VERSION")
            raise HttpError(412, error, {"Tus-Version": VERSION})
        call = await self._access.admit(
            request.headers.get("authorization", ""), address=address_of(request), traceparent=current_traceparent()
        )
        return call.caller

    async def _own(self, request: Request, *, tus: bool = True) -> Upload:
        caller = await self._admit(request, tus=tus)
        return await _in_thread(handlers.get, self._uploads, caller, request.path_params["id"])

    async def _receive(self, request: Request, upload: Upload, offset: int = 0) -> Upload:
        """Store the body from `offset`; the upload as it is then. Raises HttpError 409, 413, 423, 429, 460 and 503."""
        with self._access.uploads.hold(upload.owner):
            return await self._receive_held(request, upload, offset)

    async def _receive_held(self, request: Request, upload: Upload, offset: int) -> Upload:
        if self._turn.locked():
            raise Unavailable("Too many uploads at once; repeat in a moment.", reason="UPLOADS_BUSY")
        checksum = _checksum(request)
        async with self._turn, self._locked(upload) as lock:
            upload = await _in_thread(self._uploads.rows.get, upload.id)
            if offset != upload.offset:
                raise Conflict(
                    f"The upload goes on at {upload.offset}, not at {offset}.",
                    reason="UPLOAD_OFFSET",
                    metadata={"offset": str(upload.offset)},
                )
            length = content_length(request)
            if length is not None and offset + length > upload.size:
                raise too_large(upload.size - offset)
            if checksum is not None and (length is None or length > PART_BYTES):
                raise too_large(PART_BYTES)
            upload = await self._store(request, upload, lock, checksum)
        whole = await _in_thread(handlers.complete_if_whole, self._uploads, upload)
        FINISHED.inc(whole.finished and not upload.finished)
        return whole

    async def _store(self, request: Request, upload: Upload, lock: str, checksum: bytes | None) -> Upload:
        """A part comes in while the one before is stored. Of a broken connection everything that came is kept."""
        part, received = bytearray(), upload.offset
        storing: asyncio.Future[Upload] = asyncio.get_running_loop().create_future()
        storing.set_result(upload)
        interrupted: Exception | None = None
        body = _until_closing(chunks(request, self._body_idle_s), self._closing)
        try:
            async for piece in body:
                view = memoryview(piece)
                if received + len(view) > upload.size:
                    raise too_large(upload.size - received)
                received += len(view)
                while len(part) + len(view) >= PART_BYTES and checksum is None:
                    room = PART_BYTES - len(part)
                    part += view[:room]
                    view = view[room:]
                    storing = await self._flush(storing, lock, part)
                part += view
        except (ClientGone, HttpError, Unavailable) as error:
            interrupted = error
        finally:
            await body.aclose()
            upload = await storing
        if checksum is not None and (interrupted or hashlib.sha256(part).digest() != checksum):
            raise interrupted or HttpError(460, InvalidArgument("The checksum differs.", reason="CHECKSUM_MISMATCH"))
        if part:
            upload = await (await self._flush(storing, lock, part))
        if interrupted is not None:
            raise interrupted
        return upload

    async def _flush(self, before: Awaitable[Upload], lock: str, part: bytearray) -> asyncio.Future[Upload]:
        """Begin to store `part`, which is empty then, as soon as the part before is stored."""
        upload, data = await before, bytes(part)
        part.clear()

        async def stored() -> Upload:
            result = await _in_thread(handlers.store_part, self._uploads, upload, lock, data)
            RECEIVED.inc(len(data))
            return result

        return asyncio.ensure_future(stored())

    @asynccontextmanager
    async def _locked(self, upload: Upload) -> AsyncIterator[str]:
        """Be the only one who writes to the upload, in any process; HttpError 423 while somebody else does."""
        rows = self._uploads.rows
        lock = await _in_thread(rows.lock, upload.id)
        if lock is None:
            error = Conflict("Another request writes to this upload.", reason="UPLOAD_LOCKED")
            raise HttpError(423, error, {"Retry-After": "1"})
        renewal = asyncio.ensure_future(self._renew(upload.id, lock))
        try:
            yield lock
        finally:
            renewal.cancel()
            await asyncio.shield(asyncio.ensure_future(_in_thread(rows.unlock, upload.id, lock)))

    async def _renew(self, upload_id: str, lock: str) -> None:
        while True:
            await asyncio.sleep(LOCK_S / 3)
            with suppress(Exception):  # the database may be away; the next write tells
                await _in_thread(self._uploads.rows.renew, upload_id, lock)


async def _in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    return await asyncio.to_thread(function, *args, **kwargs)


async def _until_closing(source: AsyncIterator[bytes], closing: asyncio.Event) -> AsyncGenerator[bytes, None]:
    """`source`, broken off by Unavailable when the process is to end."""
    stop = asyncio.ensure_future(closing.wait())
    try:
        while True:
            piece = asyncio.ensure_future(anext(source, None))
            await asyncio.wait((piece, stop), return_when=asyncio.FIRST_COMPLETED)
            if not piece.done():
                piece.cancel()
                await asyncio.gather(piece, return_exceptions=True)
                raise Unavailable("The server is restarting; go on with the upload.", reason="RESTARTING")
            data = piece.result()
            if data is None:
                return
            yield data
    finally:
        stop.cancel()


def _answer(upload: Upload, code: int, headers: dict[str, str] | None = None) -> Response:
    fixed = {
        "Tus-Resumable": VERSION,
        "Upload-Offset": str(upload.offset),
        "Upload-Expires": format_datetime(upload.expires_at.astimezone(UTC), usegmt=True),
    }
    return Response(status_code=code, headers=fixed | (headers or {}))


def _number(request: Request, header: str) -> int | None:
    text = request.headers.get(header)
    if text is None:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise InvalidArgument(f"The header {header} must be a number of bytes.", reason="HEADER_MALFORMED")
    return int(text)


def _filename(metadata: str) -> str:
    """The value of `filename` (or `name`) of Upload-Metadata: comma-separated pairs of key and base64."""
    if len(metadata) > _LONGEST_METADATA:
        raise InvalidArgument("The header Upload-Metadata is too long.", reason="HEADER_MALFORMED")
    values: dict[str, str] = {}
    for pair in filter(None, (text.strip() for text in metadata.split(","))):
        key, _, encoded = pair.partition(" ")
        try:
            values[key] = base64.b64decode(encoded, validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise InvalidArgument(
                f"Upload-Metadata: the value of {key[:80]!r} is not text in base64.", reason="HEADER_MALFORMED"
            ) from error
    return (values.get("filename") or values.get("name") or "")[:255]


def _checksum(request: Request) -> bytes | None:
    text = request.headers.get("upload-checksum")
    if text is None:
        return None
    algorithm, _, encoded = text.partition(" ")
    try:
        digest = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        digest = b""
    if algorithm != "sha256" or len(digest) != hashlib.sha256().digest_size:
        raise InvalidArgument("Upload-Checksum must be `sha256 <base64>`.", reason="CHECKSUM_ALGORITHM")
    return digest
