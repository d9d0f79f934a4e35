"""How services reach each other: several copies behind one target, quick fail-over, TLS by configuration."""

import json
from typing import Any

import grpc

from services.kernel.config import KernelSettings, TlsFiles
from services.kernel.grpc import CHANNEL_OPTIONS

Options = list[tuple[str, Any]]

KEEPALIVE_MS = 4_000
"""A copy that is paused, or whose machine is gone, is noticed after this and KEEPALIVE_TIMEOUT_MS."""
KEEPALIVE_TIMEOUT_MS = 2_000

_TO_COPIES: Options = [
    ("grpc.keepalive_time_ms", KEEPALIVE_MS),
    ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
    ("grpc.keepalive_permit_without_calls", 1),
    # names of containers change their addresses when copies come and go
    ("grpc.dns_min_time_between_resolutions_ms", 2_000),
]

SERVER_OPTIONS: Options = [
    ("grpc.so_reuseport", 0),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", KEEPALIVE_MS // 2),
    ("grpc.http2.max_ping_strikes", 0),
]
"""A server of the services takes the pings of their channels."""


def service_config(attempts: int, initial_backoff_s: float, max_backoff_s: float) -> str:
    """Calls go to the copies in turn; one that a copy did not take, or dropped as it ended, goes to another."""
    policy = {
        "maxAttempts": attempts,
        "initialBackoff": f"{initial_backoff_s}s",
        "maxBackoff": f"{max_backoff_s}s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    return json.dumps(
        {
            "loadBalancingConfig": [{"round_robin": {}}],
            "methodConfig": [{"name": [{}], "retryPolicy": policy}],
        }
    )


def options(config: str) -> Options:
    """Options of a channel to a service, which may have several copies."""
    return [*dict([*CHANNEL_OPTIONS, *_TO_COPIES]).items(), ("grpc.service_config", config)]


def open_channel(settings: KernelSettings, service: str, config: str) -> grpc.Channel:
    return open_to(settings.address_of(service), settings.grpc_tls, config)


def open_to(target: str, files: TlsFiles | None, config: str = "{}") -> grpc.Channel:
    if files is None:
        return grpc.insecure_channel(target, options=options(config))
    return grpc.secure_channel(target, client_credentials(files), options=options(config))


def open_aio_channel(settings: KernelSettings, service: str, config: str) -> grpc.aio.Channel:
    target, files = settings.address_of(service), settings.grpc_tls
    if files is None:
        return grpc.aio.insecure_channel(target, options=options(config))
    return grpc.aio.secure_channel(target, client_credentials(files), options=options(config))


def client_credentials(files: TlsFiles) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(
        root_certificates=files.authority.read_bytes(),
        private_key=files.key.read_bytes(),
        certificate_chain=files.certificate.read_bytes(),
    )


def listen(server: grpc.aio.Server, address: str, files: TlsFiles | None) -> None:
    """Give the server its port. Raises OSError when it is in use."""
    try:
        if files is None:
            bound = server.add_insecure_port(address)
        else:
            pair = (files.key.read_bytes(), files.certificate.read_bytes())
            credentials = grpc.ssl_server_credentials([pair], files.authority.read_bytes(), require_client_auth=True)
            bound = server.add_secure_port(address, credentials)
    except RuntimeError as error:
        raise OSError(f"the gRPC server cannot listen on {address}: {error}") from error
    if bound == 0:
        raise OSError(f"the gRPC server cannot listen on {address}: the port is in use")
