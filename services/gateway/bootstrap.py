"""The only place that wires the gateway together."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import grpc
import httpx

from protos.event.v1 import event_pb2
from protos.identity.v1 import identity_pb2
from protos.operation.v1 import operation_pb2
from services.gateway.access import Access, Authenticator, OpenStreams
from services.gateway.buckets import TokenBuckets
from services.gateway.config import GatewaySettings
from services.gateway.contract import contract as contracts
from services.gateway.contract.contract import Contract
from services.gateway.deadletters.models import DeadLetters
from services.gateway.eventlog import models as eventlog
from services.gateway.eventlog.rpc import EventRpc
from services.gateway.forwarding.calls import Backend, Backends
from services.gateway.forwarding.front import Forwarder, Gate
from services.gateway.forwarding.health import HealthForwarder
from services.gateway.forwarding.inference import InferenceForwarder
from services.gateway.forwarding.local import LocalBackend
from services.gateway.forwarding.reflection import reflection_handlers
from services.gateway.forwarding.remote import RemoteBackend
from services.gateway.forwarding.resolver import Resolver
from services.gateway.forwarding.traffic import InferenceTraffic, reporter
from services.gateway.garbage.collector import Collector, Rule
from services.gateway.garbage.loop import HELD, GarbageLoop
from services.gateway.identity import handlers as identity_handlers
from services.gateway.identity.domain import SessionRule, ThrottleRule
from services.gateway.identity.models import MongoAttempts, MongoSessions, MongoUsers
from services.gateway.identity.passwords import Passwords
from services.gateway.identity.rpc import IdentityRpc
from services.gateway.operation.peers import Peers
from services.gateway.operation.rpc import OperationRpc
from services.gateway.uploads.handlers import UploadRule, Uploads
from services.gateway.uploads.models import MongoUploads
from services.kernel import control
from services.kernel.maintenance import Reference, references
from services.kernel.retention import retention_settings
from services.kernel.storage import mongo
from services.kernel.storage.changes import ChangeFeed
from services.kernel.storage.holds import objects_held
from services.kernel.storage.objects import MinioStore, ObjectStore
from services.kernel.traffic import Reporter
from services.kernel.workfolder import WorkFolder

REMOTE_SERVICES = ("dataset", "algorithm", "trainer", "scheduler", "serving")
THREADS = 32
_INFERENCE_CONNECTIONS = 200


@dataclass(frozen=True)
class Gateway:
    """What HTTP and gRPC share. Made inside the event loop that serves them; `closing` is set when that should end."""

    settings: GatewaySettings
    contract: Contract
    access: Access
    gate: Gate
    backends: Backends
    remote: Mapping[str, RemoteBackend]
    resolver: Resolver
    inference: InferenceForwarder
    inference_http: httpx.AsyncClient
    traffic: InferenceTraffic
    reporter: Reporter
    uploads: Uploads
    closing: asyncio.Event
    feed: ChangeFeed
    pool: ThreadPoolExecutor

    @property
    def grpc_handlers(self) -> tuple[grpc.GenericRpcHandler, ...]:
        forwarder = Forwarder(self.contract, self.gate, self.backends)
        health = HealthForwarder(self.gate, frozenset(self.contract.services))
        return (forwarder, self.inference, health, *reflection_handlers(self.contract, self.gate))

    async def close(self) -> None:
        await asyncio.to_thread(self.reporter.stop)
        await self.inference_http.aclose()
        await self.inference.close()
        for backend in self.remote.values():
            await backend.close()
        self.feed.stop()
        self.pool.shutdown(wait=False, cancel_futures=True)


_connecting = threading.Lock()
_connected: set[str] = set()


def connect(settings: GatewaySettings) -> None:
    """Connect this process once, whichever of its roles asks first."""
    with _connecting:
        uri = settings.mongo_uri.get_secret_value()
        if uri not in _connected:
            mongo.connect(settings, "gateway")
            _connected.add(uri)


def identity_of(settings: GatewaySettings) -> identity_handlers.Identity:
    return identity_handlers.Identity(
        users=MongoUsers(),
        sessions=MongoSessions(),
        attempts=MongoAttempts(),
        passwords=Passwords(),
        session_rule=SessionRule(
            timedelta(seconds=settings.session_idle_s), timedelta(seconds=settings.session_limit_s)
        ),
        throttle_rule=ThrottleRule(settings.sign_in_free_attempts, timedelta(seconds=settings.sign_in_longest_wait_s)),
    )


def uploads_of(settings: GatewaySettings, store: ObjectStore) -> Uploads:
    rule = UploadRule(
        settings.upload_limit, timedelta(seconds=settings.upload_idle_s), timedelta(seconds=settings.upload_kept_s)
    )
    return Uploads(MongoUploads(), store, rule)


def dead_letters_of(settings: GatewaySettings) -> DeadLetters:
    return DeadLetters(MinioStore(settings), retention_settings().kept("dead_letters"))


def garbage_of(settings: GatewaySettings, peers: Peers) -> GarbageLoop:
    """For the control role: it removes under the control lease."""
    kept = retention_settings()
    rule = Rule(kept.kept("garbage_grace"), kept.kept("garbage_quarantine"))

    def needed() -> Iterator[Reference]:
        yield from references(HELD)
        yield from peers.references()

    collector = Collector(MinioStore(settings), needed, rule, control.transaction, objects_held)
    return GarbageLoop(collector, kept.kept("garbage_every"), WorkFolder(settings.work_folder))


def build(settings: GatewaySettings) -> Gateway:
    """Connect and wire; creates the first administrator. Needs a running event loop and `connect` before it."""
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="gateway")
    feed = ChangeFeed([eventlog.COLLECTION], name="event-log-changes").start()
    identity = identity_of(settings)
    if settings.admin_password is not None:
        identity_handlers.ensure_administrator(identity, settings.admin_password.get_secret_value())
    authenticator = Authenticator(identity, pool)
    access = Access(
        authenticator,
        TokenBuckets(settings.rate_per_s, settings.rate_burst),
        inference=TokenBuckets(settings.inference_rate_per_s, settings.inference_rate_burst),
        streams=OpenStreams(settings.streams_per_caller),
        uploads=OpenStreams(settings.uploads_per_caller),
    )

    remote = {name: RemoteBackend(settings, name) for name in REMOTE_SERVICES}
    identity_service = identity_pb2.DESCRIPTOR.services_by_name["IdentityService"]
    event_service = event_pb2.DESCRIPTOR.services_by_name["EventService"]
    operation_service = operation_pb2.DESCRIPTOR.services_by_name["OperationService"]
    operation = OperationRpc(dead_letters_of(settings), Peers(settings))
    local: dict[str, Backend] = {
        "operation": LocalBackend(operation, operation_service, pool),
        "identity": LocalBackend(IdentityRpc(identity, authenticator.forget), identity_service, pool),
        "event": LocalBackend(EventRpc(feed), event_service, pool),
    }
    resolver = Resolver(remote["serving"])
    traffic = InferenceTraffic()
    gate = Gate(access, settings.request_time_s, settings.body_idle_s)
    return Gateway(
        settings=settings,
        contract=contracts.load(),
        access=access,
        gate=gate,
        backends=Backends({**remote, **local}),
        remote=remote,
        resolver=resolver,
        inference=InferenceForwarder(gate, resolver, traffic, settings.triton_grpc),
        inference_http=httpx.AsyncClient(limits=httpx.Limits(max_connections=_INFERENCE_CONNECTIONS), trust_env=False),
        traffic=traffic,
        reporter=reporter(traffic, settings).start(),
        uploads=uploads_of(settings, MinioStore(settings)),
        closing=asyncio.Event(),
        feed=feed,
        pool=pool,
    )
