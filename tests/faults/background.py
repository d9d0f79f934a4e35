"""Work that goes on by itself: uploads in flight, and one import after the other."""

import base64
import hashlib
import random
import threading
import time
from pathlib import Path

import httpx

from services.gateway.client import ApiError, Client
from services.kernel.ids import new_id
from tests.faults.history import History, ImportPromise, UploadPromise
from tests.support import jobs
from tests.support.archives import png_bytes, zip_bytes

TUS = {"tus-resumable": "1.0.0"}
PIECE = 64 * 1024
PIECES = 24
GIVE_UP_S = 240.0


def samples(count: int) -> dict[str, bytes]:
    """An archive of `count` small pictures in two classes."""
    return {
        f"{name}/{at}.png": png_bytes(base + at % 30)
        for name, base in (("dark", 20), ("light", 200))
        for at in range(count // 2)
    }


class Uploads(threading.Thread):
    """Uploads by tus in small pieces, one after the other; each begins anew where the server stands after an error."""

    def __init__(self, client: Client, history: History, seed: int, pause_s: float = 0.15) -> None:
        super().__init__(name="uploads", daemon=True)
        self._client, self._history, self._pause_s = client, history, pause_s
        self._random = random.Random(seed)
        self.stopping = threading.Event()

    def run(self) -> None:
        while not self.stopping.is_set():
            content = self._random.randbytes(PIECE * self._random.randint(PIECES // 2, PIECES) + 17)
            try:
                upload_id = self._upload(content)
            except (ApiError, httpx.HTTPError, TimeoutError) as error:
                self._history.trouble(f"upload given up: {error!r}")
                continue
            promise = UploadPromise(upload_id, len(content), hashlib.sha256(content).hexdigest())
            self._history.uploads.append(promise)

    def _upload(self, content: bytes) -> str:
        deadline = time.monotonic() + GIVE_UP_S
        url, offset = "", 0
        while not url or offset < len(content):
            try:
                url = url or self._create(len(content))
                offset = self._send(url, offset, content)
            except (ApiError, httpx.HTTPError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)
                offset = self._offset(url, offset)
            time.sleep(self._pause_s)
        return url.rpartition("/")[2]

    def _create(self, size: int) -> str:
        name = base64.b64encode(b"random.bin").decode()
        headers = TUS | {"upload-length": str(size), "upload-metadata": f"filename {name}"}
        response = self._client.http.post("/api/v1/uploads", headers=headers)
        if response.status_code != httpx.codes.CREATED:
            raise ApiError.of(response)
        return str(response.headers["location"])

    def _send(self, url: str, offset: int, content: bytes) -> int:
        headers = TUS | {"upload-offset": str(offset), "content-type": "application/offset+octet-stream"}
        response = self._client.http.patch(url, content=content[offset : offset + PIECE], headers=headers)
        if response.status_code != httpx.codes.NO_CONTENT:
            raise ApiError.of(response)
        return int(response.headers["upload-offset"])

    def _offset(self, url: str, known: int) -> int:
        try:
            return int(self._client.http.head(url, headers=TUS).headers.get("upload-offset", known)) if url else known
        except httpx.HTTPError:
            return known


class Import(threading.Thread):
    """One import from the upload to its end."""

    def __init__(self, client: Client, history: History, folder: Path, archive: bytes, count: int) -> None:
        super().__init__(name="import", daemon=True)
        self._client, self._history, self._folder = client, history, folder
        self._archive, self._count = archive, count
        self.begun = threading.Event()
        self.dataset_id = ""
        self.ended_at = 0.0

    def run(self) -> None:
        try:
            upload_id = jobs.upload(self._client, self._folder, self._archive, f"{new_id('in')}.zip")
            self.dataset_id = jobs.create_dataset(self._client)
            self._client.post(f"/api/v1/datasets/{self.dataset_id}:import", {"upload_id": upload_id})
            self._history.imports.append(ImportPromise(self.dataset_id, self._count))
            self.begun.set()
            while self._client.get(f"/api/v1/datasets/{self.dataset_id}")["state"] == "STATE_IMPORTING":
                time.sleep(0.3)
            self.ended_at = time.monotonic()
        except (ApiError, httpx.HTTPError) as error:
            self._history.trouble(f"import not begun or not followed: {error!r}")
        finally:
            self.begun.set()


def archive_of(count: int) -> bytes:
    return zip_bytes(samples(count))
