"""The role `gateway`: HTTP by uvicorn and gRPC in one event loop."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import uvicorn
import uvloop

from services.gateway import bootstrap
from services.gateway.config import GatewaySettings, gateway_settings, host_and_port
from services.gateway.http.assembly import assemble
from services.gateway.http.protocol import PatientProtocol
from services.kernel.grpc import CHANNEL_OPTIONS
from services.kernel.logging import get_logger

log = get_logger(__name__)

GRACE_S = 5
THREADS = 64
"""For calls to database and object store; uploads hold one each while a part is stored."""
_SERVER_OPTIONS = (
    *CHANNEL_OPTIONS,
    ("grpc.so_reuseport", 0),
    # Otherwise windows grow with the speed of the line, and messages come in that nobody reads yet.
    ("grpc.http2.bdp_probe", 0),
    ("grpc.max_metadata_size", 32 * 1024),
    ("grpc.max_concurrent_streams", 1000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
)


class _Server(uvicorn.Server):
    """Leaves signals to the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def run(stop: threading.Event) -> None:
    """Serve until `stop` is set; then streams end and requests have GRACE_S seconds."""
    settings = gateway_settings()
    bootstrap.connect(settings)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings, stop))


async def serve(settings: GatewaySettings, stop: threading.Event) -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="blocking"))
    gateway = bootstrap.build(settings)
    grpc_server = _grpc_server(gateway, settings)
    http_server = _http_server(gateway, settings)
    await grpc_server.start()
    http = asyncio.create_task(http_server.serve())
    log.info("gateway_listening", http=settings.gateway_http, grpc=settings.gateway_grpc)
    try:
        while not stop.is_set() and not http.done():
            await asyncio.sleep(0.1)
        if http.done():
            await http
            raise OSError(f"the HTTP server on {settings.gateway_http} ended: is the port in use?")
    finally:
        gateway.closing.set()
        http_server.should_exit = True
        await asyncio.gather(grpc_server.stop(GRACE_S), http, return_exceptions=True)
        await gateway.close()


def _grpc_server(gateway: bootstrap.Gateway, settings: GatewaySettings) -> grpc.aio.Server:
    server = grpc.aio.server(options=_SERVER_OPTIONS, maximum_concurrent_rpcs=settings.connection_limit)
    server.add_generic_rpc_handlers(gateway.grpc_handlers)
    if server.add_insecure_port(settings.gateway_grpc) == 0:
        raise OSError(f"the gRPC server cannot listen on {settings.gateway_grpc}: the port is in use")
    return server


def _http_server(gateway: bootstrap.Gateway, settings: GatewaySettings) -> uvicorn.Server:
    host, port = host_and_port(settings.gateway_http)
    PatientProtocol.header_time_s = settings.header_time_s
    config = uvicorn.Config(
        assemble(gateway),
        host=host,
        port=port,
        http=PatientProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        h11_max_incomplete_event_size=settings.header_limit,
        limit_concurrency=settings.connection_limit,
        backlog=1024,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=GRACE_S,
    )
    return _Server(config)
