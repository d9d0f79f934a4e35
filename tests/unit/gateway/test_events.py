import pytest

from services.gateway.eventlog.models import visible_to
from services.gateway.eventlog.rpc import type_query
from services.kernel.context import Caller
from services.kernel.errors import InvalidArgument


def test_types() -> None:
    assert type_query([]) == {}
    assert type_query(["*", "task.started"]) == {}
    assert type_query(["dataset.*", "task.started"]) == {
        "$or": [{"type": {"$regex": r"^dataset\."}}, {"type": "task.started"}]
    }


@pytest.mark.parametrize("name", ["dataset", "Dataset.onlined", "dataset.on*", ".*", "a.b.c", "dataset.onlined\n"])
def test_wrong_types(name: str) -> None:
    with pytest.raises(InvalidArgument):
        type_query([name])


def test_who_sees_what() -> None:
    assert visible_to(Caller("usr-1", roles=frozenset({"admin"}))) == {}
    assert visible_to(Caller("service:trainer", roles=frozenset({"service"}))) == {}
    own, shared = visible_to(Caller("usr-2"))["$or"]
    assert own == {"owner": "usr-2"}
    assert "VISIBILITY_PRIVATE" not in shared["visibility"]["$in"]
