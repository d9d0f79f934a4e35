"""Uploads against the object store behind them, imports against `unzip`."""

import io
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import urllib3
from minio import Minio

from services.gateway.client import Client, upload_file
from services.kernel.storage.objects import MinioStore
from services.kernel.storage.uploads import delete_upload
from tests.benchmarks.pipeline import content, measure
from tests.benchmarks.pipeline.instance import Bench
from tests.support import jobs
from tests.support.polling import eventually

_PART = 16 << 20
_LONGEST_S = 900.0


def measure_upload(bench: Bench) -> dict[str, float]:
    """How fast an upload by tus is as a share of writing the same bytes to the store, in objects of the same size."""
    size = bench.sizes.upload_bytes // bench.sizes.rounds
    path = bench.folder / "upload.bin"
    block = os.urandom(_PART)
    with path.open("wb") as file:
        for _ in range(0, size, _PART):
            file.write(block[: size - file.tell()])
    with bench.client() as client:
        by_tus, direct = measure.alternating(
            bench.sizes.rounds, lambda: _by_tus(bench, client, path), lambda: _direct(bench, path)
        )
    path.unlink()
    megabytes = size / 1e6
    return {"upload_vs_store": direct / by_tus, "upload_mb_s": megabytes / by_tus, "store_mb_s": megabytes / direct}


def _by_tus(bench: Bench, client: Client, path: Path) -> float:
    began = time.perf_counter()
    upload_id = upload_file(client, path)
    elapsed = time.perf_counter() - began
    delete_upload(MinioStore(bench.settings()), upload_id)
    return elapsed


def _direct(bench: Bench, path: Path) -> float:
    settings = bench.settings()
    store = Minio(
        settings.s3_endpoint,
        access_key=settings.s3_access_key.get_secret_value(),
        secret_key=settings.s3_secret_key.get_secret_value(),
        secure=False,
        region=settings.s3_region,
        http_client=urllib3.PoolManager(),
    )
    keys: list[str] = []
    began = time.perf_counter()
    with path.open("rb") as file:
        while data := file.read(_PART):
            keys.append(f"bench/{len(keys):06d}")
            store.put_object(settings.s3_bucket, keys[-1], io.BytesIO(data), len(data), part_size=_PART)
    elapsed = time.perf_counter() - began
    for key in keys:
        store.remove_object(settings.s3_bucket, key)
    return elapsed


def measure_import(bench: Bench) -> dict[str, float]:
    """An import, from the request until the version is there, in multiples of `unzip` of the same archive."""
    archive = bench.folder / "images.zip"
    content.image_archive(archive, bench.sizes.images)
    with bench.client() as client:
        imported, unzipped = measure.alternating(
            bench.sizes.rounds, lambda: _import(client, archive), lambda: _unzip(archive)
        )
    archive.unlink()
    return {"import_vs_unzip": imported / unzipped, "import_s": imported, "unzip_s": unzipped}


def _import(client: Client, archive: Path) -> float:
    dataset_id, upload_id = jobs.create_dataset(client), upload_file(client, archive)
    path = f"/api/v1/datasets/{dataset_id}"
    began = time.perf_counter()
    client.post(f"{path}:import", {"upload_id": upload_id})
    eventually(lambda: client.get(path)["state"] in ("STATE_IMPORTED", "STATE_FAILED"), timeout=_LONGEST_S)
    elapsed = time.perf_counter() - began
    dataset = client.get(path)
    if dataset["state"] != "STATE_IMPORTED":
        raise RuntimeError(f"the import ended {dataset['state']}: {dataset['problems']}")
    client.delete(path)
    return elapsed


def _unzip(archive: Path) -> float:
    with tempfile.TemporaryDirectory(dir=archive.parent) as folder:
        if shutil.which("unzip"):
            command = ["unzip", "-q", str(archive), "-d", folder]
            return measure.seconds(lambda: subprocess.run(command, check=True))
        return measure.seconds(lambda: shutil.unpack_archive(archive, folder))
