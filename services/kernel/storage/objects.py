"""The object store: a port and its S3 implementation."""

import io
import re
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol

import urllib3
from minio import Minio
from minio.error import InvalidResponseError, MinioException, S3Error, ServerError
from prometheus_client import Counter, Histogram
from urllib3.exceptions import HTTPError

from services.kernel.config import KernelSettings
from services.kernel.errors import DomainError, Internal, NotFound, Unavailable
from services.kernel.metrics import FAST

MAX_OBJECT_BYTES = 16 * 1024 * 1024
"""Larger content is cut by its writer: one request an object, so nothing needs multipart uploads."""

REQUESTS = Histogram(
    "modelyard_object_store_request_duration_seconds",
    "Requests to the object store, with retries; of reading only until the first byte",
    ["operation", "outcome"],
    buckets=FAST,
)
BYTES = Counter(
    "modelyard_object_store_bytes_total", "Content written to and read from the object store", ["direction"]
)

_MISSING = {"NoSuchKey", "NoSuchBucket", "ResourceNotFound", "NoSuchObject", "NotFound"}
_KEY = re.compile(r"[A-Za-z0-9._=+@-]+(/[A-Za-z0-9._=+@-]+)*")


class Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes, everything when negative; empty at the end. Unavailable when the server breaks off."""


@dataclass(frozen=True)
class ObjectInfo:
    """`size` in bytes; `modified_at` is when it was written, by the server's clock."""

    key: str
    size: int
    modified_at: datetime


class ObjectStore(Protocol):
    """Bytes by key. Keys are slash-separated names of ASCII letters, digits and `._=+@-`.

    Every method raises Unavailable when the server does not answer after a bounded number of tries.
    """

    def put(self, key: str, data: bytes | BinaryIO, size: int = -1) -> None:
        """Store up to MAX_OBJECT_BYTES under `key`, replacing what is there; visible whole or not at all.

        `size` is needed with a stream, which is read exactly that far.
        """

    def get(self, key: str, offset: int = 0, length: int | None = None) -> AbstractContextManager[Readable]:
        """A stream over `length` bytes from `offset`; short or empty where the object ends. NotFound."""

    def stat(self, key: str) -> int | None:
        """The size in bytes, or None when there is no such object."""

    def exists(self, key: str) -> bool: ...

    def delete(self, key: str) -> None:
        """Remove the object; nothing happens when it is not there."""

    def list(self, prefix: str) -> Iterator[str]:
        """Keys that begin with `prefix` (a folder ending in `/`, or empty for all), in order."""

    def scan(self, prefix: str) -> Iterator[ObjectInfo]:
        """As `list`, with what the server says of each object."""

    def info(self, key: str) -> ObjectInfo | None:
        """None when there is no such object."""


def check_key(key: str) -> str:
    parts = key.split("/")
    if not _KEY.fullmatch(key) or ".." in parts or "." in parts or len(key) > 512:
        raise ValueError(f"not an object key: {key!r}")
    return key


def content_of(key: str, data: bytes | BinaryIO, size: int) -> bytes:
    """What is to be stored, checked; for implementations of `put`."""
    check_key(key)
    content = data if isinstance(data, bytes | bytearray | memoryview) else data.read(size)
    if size not in (-1, len(content)):
        raise ValueError(f"the stream for {key} ended after {len(content)} of {size} bytes")
    if size == -1 and not isinstance(data, bytes | bytearray | memoryview):
        raise ValueError("a stream needs its size")
    if len(content) > MAX_OBJECT_BYTES:
        raise ValueError(f"{key} has {len(content)} bytes; an object has at most {MAX_OBJECT_BYTES}")
    return content


class MinioStore:
    """Any S3 server, in one bucket, which is made at first use."""

    def __init__(self, settings: KernelSettings, *, bucket: str = "", tries: int = 4) -> None:
        self._bucket = bucket or settings.s3_bucket
        self._bucket_known = False
        self._lock = threading.Lock()
        self._client = Minio(
            settings.s3_endpoint,
            access_key=settings.s3_access_key.get_secret_value(),
            secret_key=settings.s3_secret_key.get_secret_value(),
            secure=settings.s3_secure,
            region=settings.s3_region,
            http_client=urllib3.PoolManager(
                maxsize=16,
                timeout=urllib3.Timeout(connect=3, read=60),
                retries=urllib3.Retry(
                    total=tries,
                    backoff_factor=0.25,
                    status_forcelist=[500, 502, 503, 504],
                    allowed_methods=None,
                ),
            ),
        )

    def put(self, key: str, data: bytes | BinaryIO, size: int = -1) -> None:
        content = content_of(key, data, size)
        self.ensure_bucket()
        with _request("put", key):
            self._client.put_object(self._bucket, key, io.BytesIO(content), len(content), part_size=MAX_OBJECT_BYTES)
        BYTES.labels("written").inc(len(content))

    @contextmanager
    def get(self, key: str, offset: int = 0, length: int | None = None) -> Iterator[Readable]:
        check_key(key)
        if length == 0:
            if self.stat(key) is None:
                raise _missing(key)
            yield io.BytesIO()
            return
        response = self._open(key, offset, length)
        if response is None:
            yield io.BytesIO()
            return
        try:
            yield _Body(response, key)
        finally:
            response.close()
            response.release_conn()

    def _open(self, key: str, offset: int, length: int | None) -> urllib3.BaseHTTPResponse | None:
        """The open response, or None where the range lies behind the end."""
        with _request("get", key):
            try:
                return self._client.get_object(self._bucket, key, offset=offset, length=length or 0)
            except S3Error as error:
                if error.code != "InvalidRange" and error.response.status != 416:
                    raise
            except InvalidResponseError as error:
                if error._code != 416:
                    raise
        return None

    def stat(self, key: str) -> int | None:
        try:
            with _request("stat", check_key(key)):
                return self._client.stat_object(self._bucket, key).size
        except NotFound:
            return None

    def info(self, key: str) -> ObjectInfo | None:
        try:
            with _request("stat", check_key(key)):
                found = self._client.stat_object(self._bucket, key)
        except NotFound:
            return None
        return _info(key, found.size, found.last_modified)

    def exists(self, key: str) -> bool:
        return self.stat(key) is not None

    def delete(self, key: str) -> None:
        try:
            with _request("delete", check_key(key)):
                self._client.remove_object(self._bucket, key)
        except NotFound:
            return

    def list(self, prefix: str) -> Iterator[str]:
        return (found.key for found in self.scan(prefix))

    def scan(self, prefix: str) -> Iterator[ObjectInfo]:
        if prefix:
            check_key(prefix.removesuffix("/"))
        try:
            with _errors_of(prefix):
                for found in self._client.list_objects(self._bucket, prefix=prefix, recursive=True):
                    if found.object_name and not found.is_dir:
                        yield _info(found.object_name, found.size, found.last_modified)
        except NotFound:
            return

    def ensure_bucket(self) -> None:
        """Make the bucket unless it is there; asked of the server once."""
        if self._bucket_known:
            return
        with self._lock, _errors_of(self._bucket):
            try:
                if not self._client.bucket_exists(self._bucket):
                    self._client.make_bucket(self._bucket)
            except S3Error as error:
                if error.code not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                    raise
            self._bucket_known = True


class _Body:
    """A response whose broken connection is told in our words."""

    def __init__(self, response: urllib3.BaseHTTPResponse, key: str) -> None:
        self._response = response
        self._key = key

    def read(self, size: int = -1, /) -> bytes:
        with _errors_of(self._key):
            data = self._response.read(None if size < 0 else size)
        BYTES.labels("read").inc(len(data))
        return data


def _info(key: str, size: int | None, modified_at: datetime | None) -> ObjectInfo:
    if size is None or modified_at is None:
        raise Internal(f"The object store does not tell size and time of {key}.", reason="OBJECT_STORE_REFUSED")
    return ObjectInfo(key, size, modified_at)


def _missing(key: str) -> NotFound:
    return NotFound(f"There is no object {key}.", reason="OBJECT_NOT_FOUND", metadata={"key": key})


@contextmanager
def _request(operation: str, key: str) -> Iterator[None]:
    """One request: its time is measured, its errors are ours."""
    began, outcome = time.perf_counter(), "ok"
    try:
        with _errors_of(key):
            yield
    except DomainError as error:
        outcome = "missing" if isinstance(error, NotFound) else "error"
        raise
    finally:
        REQUESTS.labels(operation, outcome).observe(time.perf_counter() - began)


@contextmanager
def _errors_of(key: str) -> Iterator[None]:
    """The one table from the client's errors to ours."""
    try:
        yield
    except S3Error as error:
        if error.code in _MISSING:
            raise _missing(key) from error
        raise Internal(f"The object store refused {key}: {error.code}.", reason="OBJECT_STORE_REFUSED") from error
    except InvalidResponseError as error:
        # rclone answers a missing key with a 404 that has no XML body.
        if error._code == 404:
            raise _missing(key) from error
        raise Unavailable(f"The object store gave no valid answer for {key}.", reason="OBJECT_STORE_AWAY") from error
    except (HTTPError, OSError, ServerError) as error:
        raise Unavailable("The object store does not answer.", reason="OBJECT_STORE_AWAY") from error
    except MinioException as error:
        raise Internal(f"The object store failed for {key}: {error}", reason="OBJECT_STORE_REFUSED") from error
