"""Services, methods and HTTP bindings of the descriptor set.

Everything that the gateway knows of the services behind it comes from here: a new RPC needs no code.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib import resources

from google.api import annotations_pb2, http_pb2
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.message import Message

from services.gateway.contract.comments import comments_of
from services.gateway.contract.templates import PathTemplate

HTTP_BODY = "google.api.HttpBody"
EMPTY = "google.protobuf.Empty"


@dataclass(frozen=True)
class Method:
    """One RPC that has at least one HTTP binding, which is what publishes it."""

    descriptor: MethodDescriptor
    service: str
    """Full name of the proto service, for example `modelyard.dataset.v1.DatasetService`."""
    upstream: str
    """Name of the process that serves it, for example `dataset`."""
    comment: str = ""

    @property
    def name(self) -> str:
        return str(self.descriptor.name)

    @property
    def path(self) -> str:
        """The gRPC path, `/package.Service/Method`."""
        return f"/{self.service}/{self.name}"

    @property
    def streams(self) -> bool:
        return bool(self.descriptor.server_streaming)

    @property
    def client_streams(self) -> bool:
        return bool(self.descriptor.client_streaming)

    @property
    def request(self) -> Descriptor:
        found: Descriptor = self.descriptor.input_type
        return found

    @property
    def response(self) -> Descriptor:
        found: Descriptor = self.descriptor.output_type
        return found

    @property
    def raw_response(self) -> bool:
        """Whether the answer is bytes with a content type of their own."""
        return self.response.full_name == HTTP_BODY

    @cached_property
    def request_class(self) -> type[Message]:
        return message_factory.GetMessageClass(self.request)

    @cached_property
    def response_class(self) -> type[Message]:
        return message_factory.GetMessageClass(self.response)


@dataclass(frozen=True)
class Binding:
    """One HTTP route of a method. `body` is `*`, the name of a request field, or empty."""

    verb: str
    template: PathTemplate
    body: str
    method: Method


@dataclass(frozen=True)
class Contract:
    """What is published, with the pool that holds its descriptors."""

    files: FileDescriptorSet
    pool: descriptor_pool.DescriptorPool
    methods: dict[str, Method]
    bindings: tuple[Binding, ...]
    comments: dict[str, str]

    @property
    def services(self) -> list[str]:
        return sorted({method.service for method in self.methods.values()})


def load(data: bytes | None = None) -> Contract:
    """Read a descriptor set with source info; without `data` the one that is part of the distribution."""
    if data is None:
        data = resources.files("protos").joinpath("descriptors.binpb").read_bytes()
    files = FileDescriptorSet.FromString(data)
    pool = descriptor_pool.DescriptorPool()
    comments: dict[str, str] = {}
    for file in files.file:
        pool.Add(file)
        comments |= comments_of(file)
    bindings = tuple(_bindings(files, pool, comments))
    methods = {binding.method.path: binding.method for binding in bindings}
    return Contract(files, pool, methods, bindings, comments)


def _bindings(
    files: FileDescriptorSet, pool: descriptor_pool.DescriptorPool, comments: dict[str, str]
) -> Iterator[Binding]:
    for file in files.file:
        for service in file.service:
            name = f"{file.package}.{service.name}"
            descriptor = pool.FindServiceByName(name)
            for proto in service.method:
                rule = proto.options.Extensions[annotations_pb2.http]
                if rule.WhichOneof("pattern") is None:
                    continue
                comment = comments.get(f"{name}.{proto.name}", "")
                method = Method(descriptor.methods_by_name[proto.name], name, _upstream(file.package), comment)
                yield from (_binding(one, method) for one in (rule, *rule.additional_bindings))


def _upstream(package: str) -> str:
    """`dataset` of `modelyard.dataset.v1`."""
    return package.split(".")[-2]


def _binding(rule: http_pb2.HttpRule, method: Method) -> Binding:
    kind = rule.WhichOneof("pattern")
    if kind is None:
        raise ValueError(f"{method.path}: an additional binding has no path")
    verb, path = (rule.custom.kind, rule.custom.path) if kind == "custom" else (kind.upper(), getattr(rule, kind))
    if method.client_streams:
        raise ValueError(f"{method.path}: a client stream has no HTTP form")
    return Binding(verb, PathTemplate.parse(path), rule.body, method)
