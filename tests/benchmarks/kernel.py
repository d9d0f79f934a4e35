"""What the kernel's mechanisms cost: `make bench-kernel [ARGS="--files N --events N"]`.

Ratios are taken within one run on one machine. The last line is one JSON object:
`bundle_write_vs_unzip`, `bundle_read_vs_unzip` (times the duration of `unzip` for the same small files),
`events_per_s` (committed events, drained to the broker and confirmed), `constraints_us` (one request checked).
"""

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import time
import timeit
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from protos.dataset.v1 import dataset_pb2, events_pb2
from services.kernel.config import KernelSettings
from services.kernel.grpc import constraints
from services.kernel.ids import new_id
from services.kernel.messaging import outbox
from services.kernel.messaging.relay import Relay
from services.kernel.storage import bundles, mongo
from services.kernel.storage.changes import ChangeFeed
from services.kernel.storage.objects import MinioStore
from services.kernel.storage.transactions import in_transaction
from tests.support.servers import shared_servers
from tests.support.settings import kernel_settings_for

EVENTS_A_TRANSACTION = 200


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def small_files(folder: Path, count: int) -> list[tuple[str, Path, None]]:
    made: list[tuple[str, Path, None]] = []
    for at in range(count):
        name = f"{at % 10}/{at:06d}.bin"
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(at.to_bytes(8, "big") * 400)
        made.append((name, path, None))
    return made


def bundle_ratios(settings: KernelSettings, folder: Path, count: int) -> dict[str, float]:
    files = small_files(folder / "source", count)
    archive = folder / "all.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writer:
        for name, path, _ in files:
            writer.write(path, name)
    store = MinioStore(settings)
    unzip = seconds(lambda: shutil.unpack_archive(archive, folder / "unzipped"))
    refs: list[bundles.BundleRef] = []
    write = seconds(lambda: refs.append(bundles.write_bundle(store, files)))
    read = seconds(lambda: bundles.materialise(store, refs[0], folder / "read"))
    return {"bundle_write_vs_unzip": round(write / unzip, 2), "bundle_read_vs_unzip": round(read / unzip, 2)}


def events_per_s(settings: KernelSettings, count: int) -> float:
    service = new_id("bench").replace("-", "_")
    mongo.connect(settings, service)
    mongo.ensure_collections([outbox.OutboxDocument])
    for begin in range(0, count, EVENTS_A_TRANSACTION):
        in_transaction(partial(_append, range(begin, min(begin + EVENTS_A_TRANSACTION, count))))
    feed = ChangeFeed(["outbox"]).start()
    began = time.perf_counter()
    asyncio.run(_drain(Relay(settings, service, feed)))
    elapsed = time.perf_counter() - began
    feed.stop()
    mongo.client().drop_database(f"modelyard_{service}")
    return round(count / elapsed, 1)


def _append(numbers: range) -> None:
    for number in numbers:
        outbox.append(
            event_type="dataset.updated",
            aggregate_id=f"ds-{number % 2000}",
            sequence=number // 2000 + 1,
            message=events_pb2.DatasetUpdated(dataset=dataset_pb2.Dataset(id=f"ds-{number % 2000}", name="benchmark")),
            project="default",
            actor="benchmark",
        )


async def _drain(relay: Relay) -> None:
    running = asyncio.create_task(relay.run())
    while await asyncio.to_thread(outbox.rows().count_documents, {"sent": False}, limit=1):
        await asyncio.sleep(0.05)
    running.cancel()


def constraints_us(repeats: int = 20_000) -> float:
    request = dataset_pb2.CreateDatasetRequest(
        dataset=dataset_pb2.Dataset(name="benchmark", format="dir", purpose={"level1": "image", "level2": "x"})  # type: ignore[arg-type]
    )
    constraints.validate(request)
    return round(timeit.timeit(partial(constraints.validate, request), number=repeats) / repeats * 1e6, 1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=20_000, help="small files of the bundle")
    parser.add_argument("--events", type=int, default=20_000, help="events in the outbox")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="modelyard-bench-") as name, shared_servers(Path(name)) as servers:
        settings = kernel_settings_for(servers)
        result: dict[str, float] = {"constraints_us": constraints_us()}
        sys.stderr.write(f"constraints: {result['constraints_us']} µs a request\n")
        result |= bundle_ratios(settings, Path(name), arguments.files)
        sys.stderr.write(f"bundles: {result}\n")
        result["events_per_s"] = events_per_s(settings, arguments.events)
    sys.stdout.write(json.dumps(result) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
