"""Bytes that are no messages, messages that nobody would send: to every method that the platform offers, and to the
services behind it. The caller is told what is wrong; never an error of the server."""

import contextlib
import socket
from collections import Counter
from collections.abc import Iterator
from typing import Any

import grpc
import jwt
import pytest
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from deploy.embedded.settings import PORT_OFFSETS
from services.gateway.client import Client
from services.kernel.grpc import CALLER_KEY
from tests.e2e.conftest import Platform
from tests.malice.processes import MIB, memory_of, pids_of
from tests.malice.world import World

Metadata = tuple[tuple[str, str], ...]
NEVER = (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS)
REFUSED = (  # not signed in, too often, not published
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.UNIMPLEMENTED,
)
SERVICES = ("dataset", "algorithm", "trainer", "scheduler", "serving")
DESTRUCTIVE = ("DeleteCurrentSession",)
_CALL_S = 20.0
_SILENT_S = 1.0
"""A stream that was let in may have nothing to say for ever, as one of events; refusals come at once."""


class Front:
    """One gRPC server, its methods found by reflection."""

    def __init__(self, address: str, metadata: Metadata = ()) -> None:
        self.channel = grpc.insecure_channel(address, options=[("grpc.max_send_message_length", -1)])
        self.metadata = metadata
        database = ProtoReflectionDescriptorDatabase(self.channel)
        pool = descriptor_pool.DescriptorPool(database)
        self.methods: list[MethodDescriptor] = [
            method for name in sorted(database.get_services()) for method in pool.FindServiceByName(name).methods
        ]
        self.codes: Counter[grpc.StatusCode] = Counter()
        self.failures: list[str] = []

    def send(self, method: MethodDescriptor, data: bytes, metadata: Metadata | None = None) -> grpc.StatusCode:
        """The code of the answer to these bytes; one that must not be is kept among the failures."""
        path = f"/{method.containing_service.full_name}/{method.name}"
        code, details = grpc.StatusCode.OK, ""
        try:
            # On the wire every call is a stream; what the server does not stream ends by itself.
            call: Any = self.channel.stream_stream(path)
            time_s = _SILENT_S if method.server_streaming else _CALL_S
            answers = call(iter([data]), metadata=self.metadata if metadata is None else metadata, timeout=time_s)
            next(answers, None)
            answers.cancel()
        except grpc.RpcError as error:
            code, details = error.code(), error.details() or ""
        self.codes[code] += 1
        if code in NEVER:
            self.failures.append(f"{path} {code.name}: {details} for {data[:200]!r}")
        return code


@pytest.fixture(scope="module")
def front(platform: Platform, world: World) -> Iterator[Front]:
    made = Front(platform.grpc_address, (("authorization", f"Bearer {world.client.token}"),))
    yield made
    made.channel.close()


TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["", "\0", "../../etc/passwd", "%s%n", "{$gt: 0}", "$where", "x" * 5000, "\u202e", "０", "1e999", "-1"]
    ),
)
INT32, INT64 = (-(2**31), 2**31 - 1), (-(2**63), 2**63 - 1)
_BY_KIND: dict[int, st.SearchStrategy[Any]] = {
    FieldDescriptor.CPPTYPE_STRING: TEXTS,
    FieldDescriptor.CPPTYPE_BOOL: st.booleans(),
    FieldDescriptor.CPPTYPE_INT32: st.one_of(st.integers(*INT32), st.sampled_from([0, 1, *INT32])),
    FieldDescriptor.CPPTYPE_INT64: st.one_of(st.integers(*INT64), st.sampled_from([0, 1, *INT64])),
    FieldDescriptor.CPPTYPE_UINT32: st.integers(0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: st.integers(0, 2**64 - 1),
    FieldDescriptor.CPPTYPE_DOUBLE: st.floats(),
    FieldDescriptor.CPPTYPE_FLOAT: st.floats(width=32),
    FieldDescriptor.CPPTYPE_ENUM: st.one_of(st.integers(0, 5), st.sampled_from([-1, 99, INT32[1]])),
}


def values_of(field: FieldDescriptor, depth: int) -> st.SearchStrategy[Any]:
    if field.message_type is not None:
        return messages_of(field.message_type, depth - 1)
    return st.binary(max_size=40) if field.type == FieldDescriptor.TYPE_BYTES else _BY_KIND[field.cpp_type]


def messages_of(descriptor: Descriptor, depth: int = 4) -> st.SearchStrategy[Message]:
    """Messages of this type, well-formed, with any values."""

    @st.composite
    def made(draw: st.DrawFn) -> Message:
        message = message_factory.GetMessageClass(descriptor)()
        fields = list(descriptor.fields) if depth > 0 else []
        for field in draw(st.lists(st.sampled_from(fields), max_size=6, unique_by=lambda f: f.name)) if fields else ():
            fill(draw, message, field, depth)
        return message

    return made()


def fill(draw: st.DrawFn, message: Message, field: FieldDescriptor, depth: int) -> None:
    target = getattr(message, field.name)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        key, value = (field.message_type.fields_by_name[name] for name in ("key", "value"))
        if value.message_type is None:
            for _ in range(draw(st.integers(0, 3))):
                target[draw(values_of(key, depth))] = draw(values_of(value, depth))
    elif field.is_repeated:
        target.extend(draw(st.lists(values_of(field, depth), max_size=3)))
    elif field.message_type is not None:
        target.CopyFrom(draw(values_of(field, depth)))
    else:
        setattr(message, field.name, draw(values_of(field, depth)))


def attack(front: Front, method: MethodDescriptor, examples: int, seed_: int, metadata: Metadata | None = None) -> None:
    """Noise, messages and truncated messages to one method."""

    @seed(seed_)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def send(data: st.DataObject) -> None:
        message = data.draw(messages_of(method.input_type)).SerializeToString()
        cut = data.draw(st.integers(0, len(message)))
        for content in (message, message[:cut], data.draw(st.binary(max_size=60))):
            front.send(method, content, metadata)

    send()


def assert_well(front: Front, world: World) -> None:
    print(dict(front.codes))
    assert front.failures == [], "\n".join(front.failures[:20])
    assert world.answers_rightly()


def attacked(front: Front) -> list[MethodDescriptor]:
    found = [method for method in front.methods if method.name not in DESTRUCTIVE]
    assert len(found) > 50
    return found


def test_every_method_refuses_noise(front: Front, world: World) -> None:
    for method in attacked(front):
        attack(front, method, 2, seed_=1)
    assert_well(front, world)


@pytest.mark.long
@pytest.mark.timeout(3000)
def test_every_method_refuses_much_noise(front: Front, world: World) -> None:
    for method in attacked(front):
        attack(front, method, 40, seed_=2)
    assert_well(front, world)


def test_strangers_are_not_let_in(front: Front, world: World) -> None:
    public = ("CreateSession", "Check", "Watch", "ServerReflectionInfo")
    forged = jwt.encode({"sub": "usr-1", "roles": ["admin"], "exp": 2**40, "aud": "modelyard"}, "x" * 32, "HS256")
    for metadata in ((), (("authorization", "Bearer x"),), ((CALLER_KEY, forged),), (("authorization", "Basic x"),)):
        for method in attacked(front):
            if method.name not in public:
                code = front.send(method, b"", metadata)
                assert code in REFUSED, f"{method.full_name}: {code}"
    assert_well(front, world)


def test_too_large_messages_are_refused(front: Front, world: World) -> None:
    method = next(one for one in front.methods if one.name == "ListDatasets")
    assert front.send(method, b"\x12\xff\xff\xff\x3f" + bytes(65 * MIB)) is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert front.send(method, b"\x12\xff\xff\xff\x0f" + bytes(MIB)) is grpc.StatusCode.INVALID_ARGUMENT
    assert_well(front, world)


def test_the_services_behind_refuse_noise_and_forged_callers(platform: Platform, world: World) -> None:
    forged = jwt.encode({"sub": "usr-1", "roles": ["admin"], "exp": 2**40, "aud": "modelyard"}, "x" * 32, "HS256")
    unsigned = jwt.encode({"sub": "usr-1", "roles": ["admin"], "exp": 2**40, "aud": "modelyard"}, None, "none")
    for service in SERVICES:
        behind = Front(f"127.0.0.1:{platform.port_base + PORT_OFFSETS[service]}")
        for method in behind.methods:
            attack(behind, method, 1, seed_=3)
            if "modelyard" in method.full_name:
                for token in (forged, unsigned, "x", ""):
                    code = behind.send(method, b"", ((CALLER_KEY, token),))
                    assert code is not grpc.StatusCode.OK or not token, f"{method.full_name} takes {token}"
        behind.channel.close()
        assert_well(behind, world)


def test_health_needs_no_token_and_keeps_little(platform: Platform) -> None:
    gateway = pids_of(platform)["gateway"]
    with memory_of(gateway) as growth, contextlib.ExitStack() as open_:
        for _ in range(24):
            channel = grpc.insecure_channel(platform.grpc_address, options=[("grpc.max_send_message_length", -1)])
            open_.callback(channel.close)
            call: Any = channel.unary_unary("/grpc.health.v1.Health/Check")
            open_.callback(call.future(b"\x0a\xf0\xff\xff\x1f" + bytes(60 * MIB), timeout=20).cancel)
        with grpc.insecure_channel(platform.grpc_address) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=60)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    # 1.4 GiB are sent; two messages at a time and what grpc has not given back yet may be there.
    assert growth.grown < 1500 * MIB, f"{growth.grown / MIB:.0f} MiB"


def test_noise_instead_of_http2(platform: Platform, client: Client) -> None:
    host, port = platform.grpc_address.split(":")
    for noise in (b"\0" * 1000, b"GET / HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 5000):
        with socket.create_connection((host, int(port)), timeout=10) as line, contextlib.suppress(OSError):
            line.sendall(noise)
            line.recv(100)
    assert client.get("/api/v1/users/current")["name"] == "admin"
