"""Resumable uploads by the tus 1.0 protocol."""

import base64
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import httpx

from services.gateway.client.api import ApiError, Client

PIECE = 1024 * 1024
PATIENCE_S = 120.0
HEADERS = {"tus-resumable": "1.0.0"}

Progress = Callable[[int, int], None]
"""Called with (bytes that the server has, bytes in all)."""


def upload_file(client: Client, path: Path, progress: Progress | None = None) -> str:
    """Upload a file and return the id of the upload. A broken line is resumed where the server stands."""
    size = path.stat().st_size
    url = _create(client, path.name, size)
    offset, last_success, delay = 0, time.monotonic(), 0.2
    with path.open("rb") as source:
        while offset < size:
            try:
                reached = _send(client, url, source, offset, size, progress)
            except (httpx.TransportError, ApiError) as error:
                permanent = isinstance(error, ApiError) and error.http_status not in (409, 423, 429, 500, 502, 503, 504)
                if permanent or time.monotonic() - last_success > PATIENCE_S:
                    raise
                time.sleep(delay)
                delay = min(delay * 2, 5.0)
                reached = _offset(client, url, offset)
            if reached > offset:
                last_success, delay = time.monotonic(), 0.2
            offset = reached
    return url.rstrip("/").rpartition("/")[2]


def _create(client: Client, name: str, size: int) -> str:
    metadata = "filename " + base64.b64encode(name.encode()).decode()
    response = client.http.post(
        "/api/v1/uploads", headers=HEADERS | {"upload-length": str(size), "upload-metadata": metadata}
    )
    if response.status_code != httpx.codes.CREATED:
        raise ApiError.of(response)
    return str(response.headers["location"])


def _send(client: Client, url: str, source: BinaryIO, offset: int, size: int, progress: Progress | None) -> int:
    def pieces() -> Iterator[bytes]:
        source.seek(offset)
        sent = offset
        while piece := source.read(PIECE):
            yield piece
            sent += len(piece)
            if progress:
                progress(sent, size)

    headers = HEADERS | {
        "upload-offset": str(offset),
        "content-type": "application/offset+octet-stream",
        "content-length": str(size - offset),
    }
    response = client.http.patch(url, content=pieces(), headers=headers, timeout=httpx.Timeout(300.0, connect=5.0))
    if response.status_code != httpx.codes.NO_CONTENT:
        raise ApiError.of(response)
    return int(response.headers["upload-offset"])


def _offset(client: Client, url: str, known: int) -> int:
    try:
        response = client.http.head(url, headers=HEADERS)
    except httpx.TransportError:
        return known
    return int(response.headers.get("upload-offset", known))
