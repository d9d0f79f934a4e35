"""One gateway with its real database, broker and object store, and small services behind it."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import grpc
import httpx
import pytest
from google.protobuf.descriptor import ServiceDescriptor
from pydantic import SecretStr
from tritonclient.grpc import service_pb2_grpc

from protos.dataset.v1 import dataset_pb2
from protos.serving.v1 import serving_pb2
from protos.trainer.v1 import task_pb2
from services.gateway import (
    control,  # noqa: F401  # its documents
    server,
)
from services.gateway.config import GatewaySettings
from services.kernel.grpc import server as rpc_server
from services.kernel.storage import mongo
from tests.integration.gateway.fake_triton import TritonGrpc, TritonHttp
from tests.integration.gateway.fakes import FakeDatasets, FakeServings, FakeTasks
from tests.support.polling import eventually
from tests.support.servers import Servers, free_port_base
from tests.support.settings import kernel_settings_for

PASSWORD = "a password for tests"


@dataclass
class Running:
    """The gateway and what stands behind it."""

    settings: GatewaySettings
    datasets: FakeDatasets
    servings: FakeServings = field(default_factory=FakeServings)
    token: str = ""
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://{self.settings.gateway_http}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def client(self, *, signed_in: bool = True) -> httpx.Client:
        headers = self.headers if signed_in else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30, trust_env=False)


def gateway_settings_for(servers: Servers, triton_http: str, triton_grpc: str) -> GatewaySettings:
    base = free_port_base()
    kernel = kernel_settings_for(servers).model_dump(
        exclude={"dataset_grpc", "trainer_grpc", "serving_grpc", "gateway_grpc", "algorithm_grpc", "scheduler_grpc"}
    )
    return GatewaySettings(
        **kernel,
        gateway_http=f"127.0.0.1:{base}",
        gateway_grpc=f"127.0.0.1:{base + 1}",
        dataset_grpc=f"127.0.0.1:{base + 10}",
        algorithm_grpc=f"127.0.0.1:{base + 11}",
        trainer_grpc=f"127.0.0.1:{base + 12}",
        scheduler_grpc=f"127.0.0.1:{base + 13}",
        serving_grpc=f"127.0.0.1:{base + 14}",
        triton_http=triton_http,
        triton_grpc=triton_grpc,
        admin_password=SecretStr(PASSWORD),
        upload_limit=200 * 1024 * 1024,
        body_idle_s=3,
        header_time_s=2,
        rate_per_s=2000,
        rate_burst=5000,
    )


def in_thread(target: object, *arguments: object) -> threading.Thread:
    thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
    thread.start()
    return thread


@pytest.fixture(scope="module")
def gateway(servers: Servers) -> Iterator[Running]:
    triton_http = TritonHttp()
    triton_server = grpc.server(ThreadPoolExecutor(4))
    service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(TritonGrpc(), triton_server)
    triton_grpc = f"127.0.0.1:{triton_server.add_insecure_port('127.0.0.1:0')}"
    triton_server.start()
    settings = gateway_settings_for(servers, triton_http.address, triton_grpc)
    mongo.connect(settings, "gateway")
    running = Running(settings, FakeDatasets(), FakeServings(triton_http.address, triton_grpc))
    services = (
        ("dataset", running.datasets, dataset_pb2.DESCRIPTOR.services_by_name["DatasetService"]),
        ("trainer", FakeTasks(), task_pb2.DESCRIPTOR.services_by_name["TaskService"]),
        ("serving", running.servings, serving_pb2.DESCRIPTOR.services_by_name["ServingService"]),
    )
    thread = in_thread(asyncio.run, _serve(running, services))
    eventually(lambda: _answers(running), timeout=30)
    running.token = sign_in(running)
    yield running
    running.stop.set()
    thread.join(60)
    assert not thread.is_alive()
    triton_server.stop(None)
    triton_http.close()


async def _serve(running: Running, services: Sequence[tuple[str, object, ServiceDescriptor]]) -> None:
    """All servers in one event loop: grpc.aio is not reliable with several in a process."""
    key = running.settings.token_key.get_secret_value()
    with ThreadPoolExecutor(16) as pool:
        servers = [rpc_server.create(key, [(fake, descriptor)], pool) for _, fake, descriptor in services]
        for (name, _, _), one in zip(services, servers, strict=True):
            assert one.add_insecure_port(running.settings.address_of(name))
            await one.start()
        await server.serve(running.settings, running.stop)
        await asyncio.gather(*(one.stop(0) for one in servers))


def _answers(running: Running) -> bool:
    try:
        return httpx.get(f"{running.url}/healthz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def sign_in(running: Running) -> str:
    body = {"user_name": "admin", "password": PASSWORD}
    answer = httpx.post(f"{running.url}/api/v1/sessions", json=body, trust_env=False)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["token"])


@pytest.fixture
def http(gateway: Running) -> Iterator[httpx.Client]:
    with gateway.client() as client:
        yield client
