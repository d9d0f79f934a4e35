"""Gauges that one process tells for all."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Gauge

from services.kernel.metrics import Census, Values, _usage
from tests.support import promql


def test_a_census_shows_what_is_and_forgets_what_was() -> None:
    registry = CollectorRegistry()
    gauge = Gauge("things", "x", ["state"], registry=registry)
    counted: list[Values] = [{("new",): 2, ("old",): 1}, {("new",): 3}]
    census = Census([(gauge, lambda: counted.pop(0))])
    census.take()
    assert registry.get_sample_value("things", {"state": "old"}) == 1
    census.take()
    assert registry.get_sample_value("things", {"state": "new"}) == 3
    assert registry.get_sample_value("things", {"state": "old"}) is None
    census.close()
    assert registry.get_sample_value("things", {"state": "new"}) is None


def test_a_census_that_was_going_on_when_the_lease_was_lost_shows_nothing() -> None:
    registry = CollectorRegistry()
    gauge = Gauge("things", "x", ["state"], registry=registry)

    def count() -> Values:
        census.close()
        return {("new",): 1}

    census = Census([(gauge, count)])
    census.take()
    assert registry.get_sample_value("things", {"state": "new"}) is None


def test_a_disk_that_is_not_there_is_no_number(tmp_path: Path) -> None:
    free, size = _usage(tmp_path)
    assert 0 < free <= size
    assert str(_usage(tmp_path / "absent")[0]) == "nan"


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ('sum by (code) (rate(modelyard_a_total{code=~"modelyard_x"}[5m])) > 1', {"modelyard_a_total"}),
        ("process_open_fds / process_max_fds", {"process_open_fds", "process_max_fds"}),
        ('up{job="modelyard"} == 0', set()),
    ],
)
def test_names_in_a_query(query: str, names: set[str]) -> None:
    assert promql.metrics_in(query) == names


def test_names_and_values_in_an_answer() -> None:
    text = (
        '# TYPE a_seconds histogram\na_seconds_count{x="1"} 2.0\na_seconds_count{x="2"} 3.0\n# TYPE b_total counter\n'
    )
    assert promql.series_in(text) == {"a_seconds_bucket", "a_seconds_count", "a_seconds_sum", "b_total"}
    assert promql.value(text, "a_seconds_count") == 5
