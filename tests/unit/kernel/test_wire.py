"""Dataclasses to messages and back."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from protos.trainer.v1 import task_pb2
from services.kernel.entity import Visibility
from services.kernel.errors import InvalidArgument
from services.kernel.values import Purpose, Resources
from services.kernel.wire import apply_mask, from_message, to_message
from services.trainer.domain import Scores, Step, Task, TaskState

WHEN = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)


def task() -> Task:
    return Task(
        id="task-1",
        name="digits",
        algorithm_id="alg-1",
        dataset_id="ds-1",
        owner="user-1",
        visibility=Visibility.PUBLIC,
        purpose=Purpose("image", "classification"),
        resources=Resources(cpu_millis=1000),
        state=TaskState.TRAINING,
        steps=[Step("train", "running", WHEN)],
        scores=Scores(accuracy=0.5),
        started_at=WHEN,
        version=3,
    )


def test_every_kind_of_field_survives_the_round_trip() -> None:
    message = to_message(task(), task_pb2.Task)
    assert message.state == task_pb2.Task.STATE_TRAINING
    assert message.visibility == 2
    assert message.started_at.ToDatetime(UTC) == WHEN
    assert message.etag == "3"
    back = from_message(message, Task, version=3)
    assert back == task().__class__(**{**vars(task()), "created_at": back.created_at, "updated_at": back.updated_at})


def test_what_is_not_set_stays_at_its_default() -> None:
    fresh = from_message(task_pb2.Task(name="n", algorithm_id="a", dataset_id="d"), Task, id="task-2")
    assert fresh.scores is None
    assert fresh.state is TaskState.DRAFT
    assert fresh.resources == Resources()


@dataclass
class Thing:
    name: str = ""
    note: str = ""
    tags: list[str] = field(default_factory=list)


def test_a_mask_changes_only_what_it_names() -> None:
    thing = Thing(name="old", note="kept")
    message = task_pb2.Task(name="new", note="other")
    assert apply_mask(thing, message, FieldMask(paths=["name"]), allowed={"name", "note"}) == {"name"}
    assert thing == Thing(name="new", note="kept")


def test_without_a_mask_what_is_given_is_changed() -> None:
    thing = Thing(name="old", note="kept")
    apply_mask(thing, task_pb2.Task(name="new"), FieldMask(), allowed={"name", "note"})
    assert thing == Thing(name="new", note="kept")


def test_a_mask_with_a_fixed_field_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="`owner` cannot be changed; these can: name"):
        apply_mask(Thing(), task_pb2.Task(), FieldMask(paths=["owner"]), allowed={"name"})
