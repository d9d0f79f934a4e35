"""Prediction through the gateway, against Triton itself and against a small FastAPI server."""

import base64
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from tritonclient.grpc import service_pb2
from tritonclient.utils import serialize_byte_tensor

from deploy.embedded.probes import accepts
from deploy.embedded.settings import CHECKOUT
from services.gateway.client import Client
from services.gateway.demo_data import write_digits
from services.kernel.storage import bundles
from services.kernel.storage.objects import MinioStore
from services.kernel.values import BundleRef
from tests.benchmarks.pipeline import measure
from tests.benchmarks.pipeline.instance import Bench
from tests.benchmarks.pipeline.load import Load, Result
from tests.benchmarks.pipeline.training import trained_digits
from tests.support import jobs
from tests.support.polling import eventually

CLIENTS = (1, 8, 32)
_INFER = "/inference.GRPCInferenceService/ModelInfer"
_INSTANCES = 2


@dataclass(frozen=True)
class Served:
    """A running service, what to send to it, and a token that may."""

    service_id: str
    version_id: str
    image: bytes
    token: str


def measure_against_triton(bench: Bench) -> dict[str, float]:
    """Requests a second by the Open Inference Protocol (gRPC, binary tensors), gateway ÷ Triton, the same bytes."""
    served = _served(bench)
    request = service_pb2.ModelInferRequest(model_name=served.service_id)
    request.inputs.add(name="image", datatype="BYTES", shape=[1, 1])
    request.raw_input_contents.append(serialize_byte_tensor(np.array([[served.image]], dtype=np.object_)).item())
    body = base64.b64encode(request.SerializeToString()).decode()
    environment = bench.environment()
    found: dict[str, float] = {}
    for clients in CLIENTS:
        direct = Load(environment["MODELYARD_TRITON_GRPC"], body, clients, bench.sizes.seconds, _INFER)
        through = Load(environment["MODELYARD_GATEWAY_GRPC"], body, clients, bench.sizes.seconds, _INFER, served.token)
        found |= _compared(bench, f"predict_vs_triton_{clients}", through, direct)
    return found


def measure_against_fastapi(bench: Bench) -> dict[str, float]:
    """Requests a second of `:predict` with an image in JSON ÷ those of FastAPI with onnxruntime and the same model."""
    served = _served(bench)
    text = base64.b64encode(served.image).decode()
    path = f"/api/v1/services/{served.service_id}:predict"
    ours = _http(bench.url.removeprefix("http://"), path, {"instances": [{"inputs": {"image": text}}]}, served.token)
    found: dict[str, float] = {}
    with _fastapi(bench, served) as address:
        theirs = _http(address, "/predict", {"image": text}, "")
        for clients in CLIENTS:
            through = Load(bench.url.removeprefix("http://"), ours, clients, bench.sizes.seconds)
            plain = Load(address, theirs, clients, bench.sizes.seconds)
            found |= _compared(bench, f"predict_vs_fastapi_{clients}", through, plain)
    return found


def _compared(bench: Bench, name: str, ours: Load, theirs: Load) -> dict[str, float]:
    results: list[tuple[Result, Result]] = []

    def both() -> tuple[float, float]:
        results.append((_run(ours), _run(theirs)))
        return results[-1][0].requests_per_s, results[-1][1].requests_per_s

    rates = [both() for _ in range(bench.sizes.rounds)]
    (our_rate, their_rate) = (measure.percentile([rate[side] for rate in rates], 0.5) for side in (0, 1))
    our_last, their_last = results[-1]
    measure.say(
        f"{name}: {our_rate:.0f} against {their_rate:.0f} a second, p99 {our_last.p99_s * 1000:.1f} against "
        f"{their_last.p99_s * 1000:.1f} ms; the generator used {our_last.cpu_share:.2f} and "
        f"{their_last.cpu_share:.2f} cores"
    )
    return {name: our_rate / their_rate, f"{name}_ours_per_s": our_rate, f"{name}_theirs_per_s": their_rate}


def _run(load: Load) -> Result:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.pipeline.load"],
        input=json.dumps(asdict(load)).encode(),
        stdout=subprocess.PIPE,
        cwd=CHECKOUT,
        check=True,
    )
    return Result(**json.loads(done.stdout))


def _http(address: str, path: str, body: object, token: str) -> str:
    """A whole HTTP request, in base64."""
    content = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n"
    head += f"Authorization: Bearer {token}\r\n" if token else ""
    return base64.b64encode(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content).decode()


def _served(bench: Bench) -> Served:
    """A service of the model of the last training, with as many instances as the machine of the aims has cores."""
    if "served" not in bench.kept:
        with bench.client() as client:
            task_id = bench.kept.get("trained") or trained_digits(bench, client, 1)
            version = client.post(f"/api/v1/tasks/{task_id}:publish", {"model_name": "bench"})
            service = jobs.running_service(client, version["id"], _INSTANCES)
            unseen = bench.folder / "unseen"
            write_digits(bench.folder / "seen", unseen)
            image = next(path for path in sorted(unseen.rglob("*.png"))).read_bytes()
            kept = Served(service["id"], version["id"], image, client.token)
        bench.kept["served"] = json.dumps({**asdict(kept), "image": base64.b64encode(image).decode()})
    fields = json.loads(bench.kept["served"])
    return Served(**{**fields, "image": base64.b64decode(fields["image"])})


@contextmanager
def _fastapi(bench: Bench, served: Served) -> Iterator[str]:
    folder = bench.folder / "model"
    with bench.client() as client:
        _model_files(client, served.version_id, MinioStore(bench.settings()), folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"127.0.0.1:{port}"
    command = [sys.executable, "-m", "tests.benchmarks.pipeline.fastapi_server", str(folder), str(port)]
    with subprocess.Popen(command, cwd=CHECKOUT) as process:
        try:
            eventually(lambda: accepts(address), timeout=60)
            yield address
        finally:
            process.terminate()


def _model_files(client: Client, version_id: str, store: MinioStore, folder: Path) -> None:
    ref = client.get(f"/api/v1/modelVersions/{version_id}")["bundle"]
    bundles.materialise(store, BundleRef(ref["index"], int(ref["files"]), int(ref["bytes"])), folder)
