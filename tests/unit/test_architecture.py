"""Rules that all protos keep, read from the committed descriptor set."""

import re
from collections.abc import Iterator

import pytest
from google.api import annotations_pb2, http_pb2
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor, MethodDescriptor

from services.gateway.contract.comments import comments_of
from tests.support.service_process import ROOT

FILES = descriptor_pb2.FileDescriptorSet.FromString((ROOT / "protos/descriptors.binpb").read_bytes())
POOL = descriptor_pool.DescriptorPool()
for _file in FILES.file:
    POOL.Add(_file)
OURS: list[FileDescriptor] = [
    POOL.FindFileByName(file.name) for file in FILES.file if file.package.startswith("modelyard.")
]
COMMENTS = {name: text for file in FILES.file for name, text in comments_of(file).items()}
METHODS: list[MethodDescriptor] = [
    method for file in OURS for service in file.services_by_name.values() for method in service.methods
]
EVENTS: list[Descriptor] = [
    message for file in OURS if file.name.endswith("/events.proto") for message in file.message_types_by_name.values()
]

WITHOUT_REQUEST_ID = {"CreateSession", "DeleteCurrentSession", "Predict", "PrepareTrainingData", "ReportState"}
"""Asking twice gives the same answer, or one that is as good; a report is fenced."""

MUTATING = re.compile(r"(Create|Update|Delete|Submit|Cancel|Start|Stop|Publish|Online|Offline|Import|Report)[A-Z]")


def rule_of(method: MethodDescriptor) -> http_pb2.HttpRule | None:
    options = descriptor_pb2.MethodOptions.FromString(method.GetOptions().SerializeToString())
    return options.Extensions[annotations_pb2.http] if options.HasExtension(annotations_pb2.http) else None


def mutates(method: MethodDescriptor) -> bool:
    rule = rule_of(method)
    by_verb = rule is not None and rule.WhichOneof("pattern") in ("post", "put", "patch", "delete")
    return by_verb or MUTATING.match(method.name) is not None


def name_of(method: MethodDescriptor) -> str:
    return str(method.full_name)


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def messages() -> Iterator[Descriptor]:
    waiting = [message for file in OURS for message in file.message_types_by_name.values()]
    while waiting:
        message = waiting.pop()
        waiting.extend(message.nested_types)
        yield message


def aggregates() -> dict[str, Descriptor]:
    resources = [field.message_type for event in EVENTS for field in event.fields]
    return {resource.name: resource for resource in resources if resource is not None}


def test_the_descriptor_set_holds_what_these_tests_are_about() -> None:
    assert len(METHODS) > 40
    assert len(EVENTS) > 20
    assert {"Dataset", "Task", "Model", "Workload", "Algorithm"} <= set(aggregates())
    assert sum(map(mutates, METHODS)) > 15
    assert {method.name for method in METHODS} >= WITHOUT_REQUEST_ID


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)
def test_an_event_is_the_snapshot_of_one_aggregate(event: Descriptor) -> None:
    assert len(event.fields) == 1
    (field,) = event.fields
    resource = field.message_type
    assert resource is not None, "a message was expected"
    assert not field.is_repeated
    assert resource.file.package == event.file.package
    assert event.name.startswith(resource.name), "`<Aggregate><Event>` was expected"
    happened = event.name.removeprefix(resource.name)
    assert field.name == snake(resource.name)
    assert re.fullmatch(r"[A-Z][a-z]+([A-Z][a-z]+)*", happened)
    assert f"`{field.name}.{snake(happened)}`" in COMMENTS[event.full_name]


@pytest.mark.parametrize("method", METHODS, ids=name_of)
def test_a_command_has_a_request_id(method: MethodDescriptor) -> None:
    field = method.input_type.fields_by_name.get("request_id")
    if not mutates(method) or method.name in WITHOUT_REQUEST_ID:
        return
    assert field is not None, "a command that is repeated has to be done once"
    assert field.type == FieldDescriptor.TYPE_STRING
    assert not method.server_streaming


@pytest.mark.parametrize("method", [m for m in METHODS if "request_id" in m.input_type.fields_by_name], ids=name_of)
def test_what_has_a_request_id_is_a_command(method: MethodDescriptor) -> None:
    assert mutates(method)


@pytest.mark.parametrize("method", [m for m in METHODS if m.name.startswith("List")], ids=name_of)
def test_a_list_has_pages(method: MethodDescriptor) -> None:
    asked, answered = method.input_type.fields_by_name, method.output_type.fields_by_name
    assert "page_size" in asked
    # Points have a position of their own, by which a reader goes on.
    if "after" in asked:
        return
    assert "page_token" in asked
    assert "next_page_token" in answered
    assert sum(field.is_repeated for field in answered.values()) == 1


@pytest.mark.parametrize(("name", "message"), sorted(aggregates().items()))
def test_an_aggregate_says_whose_it_is(name: str, message: Descriptor) -> None:
    fields = message.fields_by_name
    assert {"id", "project", "owner", "visibility", "created_at", "updated_at", "etag"} <= set(fields)
    visibility = fields["visibility"].enum_type
    assert visibility is not None
    assert visibility.full_name == "modelyard.common.v1.Visibility"


def test_a_time_is_a_timestamp() -> None:
    times = [
        field
        for message in messages()
        for field in message.fields
        if field.name.endswith("_at") or field.name in ("time", "timestamp", "date")
    ]
    assert len(times) > 20
    wrong = [
        field.full_name
        for field in times
        if field.message_type is None or field.message_type.full_name != "google.protobuf.Timestamp"
    ]
    assert wrong == []


def test_every_rpc_and_service_is_explained() -> None:
    names = [method.full_name for method in METHODS]
    names += [service.full_name for file in OURS for service in file.services_by_name.values()]
    assert [name for name in names if not COMMENTS.get(name, "").strip().endswith((".", "`"))] == []


def test_every_enum_begins_with_unspecified() -> None:
    enums = [enum for file in OURS for enum in file.enum_types_by_name.values()]
    enums += [enum for message in messages() for enum in message.enum_types]
    assert len(enums) > 5
    for enum in enums:
        assert enum.values[0].number == 0
        assert enum.values[0].name == f"{snake(enum.name).upper()}_UNSPECIFIED"
