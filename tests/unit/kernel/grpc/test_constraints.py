"""The rules of the protos, enforced."""

import pytest

from protos.algorithm.v1 import algorithm_pb2
from protos.common.v1 import common_pb2
from protos.dataset.v1 import dataset_pb2
from protos.scheduler.v1 import workload_pb2
from protos.serving.v1 import serving_pb2
from protos.trainer.v1 import task_pb2
from services.kernel.errors import InvalidArgument
from services.kernel.grpc import constraints


def dataset(**changes: object) -> dataset_pb2.CreateDatasetRequest:
    values: dict[str, object] = {"name": "digits", "format": "dir", "purpose": {"level1": "image", "level2": "a"}}
    return dataset_pb2.CreateDatasetRequest(dataset=dataset_pb2.Dataset(**{**values, **changes}))  # type: ignore[arg-type]


def test_a_good_request_passes() -> None:
    constraints.validate(dataset())


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "dataset.name"),
        ({"name": "1digit"}, "dataset.name"),
        ({"name": "digits\n"}, "dataset.name"),
        ({"name": "ends-with-"}, "dataset.name"),
        ({"name": "a" * 61}, "dataset.name"),
        ({"format": "xml"}, "dataset.format"),
        ({"purpose": {"level1": "Image", "level2": "a"}}, "dataset.purpose.level1"),
        ({"description": "x" * 2001}, "dataset.description"),
    ],
)
def test_each_broken_rule_names_its_field(changes: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        constraints.validate(dataset(**changes))
    assert [violation.field for violation in refused.value.violations] == [field]


def test_all_violations_are_told_at_once() -> None:
    with pytest.raises(InvalidArgument) as refused:
        constraints.validate(dataset_pb2.CreateDatasetRequest(dataset=dataset_pb2.Dataset(format="x")))
    assert len(refused.value.violations) == 3


def test_a_required_message_is_missed() -> None:
    with pytest.raises(InvalidArgument, match="dataset: a value was expected, none was given"):
        constraints.validate(dataset_pb2.CreateDatasetRequest())


def test_numbers_maps_and_items_have_bounds() -> None:
    with pytest.raises(InvalidArgument, match=r"load: at most 64 was expected, 65 was given"):
        constraints.validate(serving_pb2.ScaleServiceRequest(id="s", load=65))
    with pytest.raises(InvalidArgument, match=r"instances\[0\]\.inputs: at least 1 entries"):
        constraints.validate(serving_pb2.PredictRequest(id="s", instances=[serving_pb2.Instance()]))
    spec = workload_pb2.WorkloadSpec(name="n", engine="process", workers=1, resources=common_pb2.Resources())
    with pytest.raises(InvalidArgument, match=r"spec\.kind: a value other than unspecified"):
        constraints.validate(workload_pb2.SubmitWorkloadRequest(spec=spec, request_id="r", owner="o", project="p"))


def test_an_update_is_partial() -> None:
    constraints.validate(dataset_pb2.UpdateDatasetRequest(id="d", dataset=dataset_pb2.Dataset(description="new")))
    with pytest.raises(InvalidArgument, match=r"dataset\.name"):
        constraints.validate(dataset_pb2.UpdateDatasetRequest(id="d", dataset=dataset_pb2.Dataset(name="not good")))


def test_the_rules_of_every_service_are_known() -> None:
    for module in (dataset_pb2, serving_pb2, task_pb2, workload_pb2):
        for service in module.DESCRIPTOR.services_by_name.values():
            constraints.precompile(service)


def test_a_masked_field_is_judged_though_it_is_empty() -> None:
    request = dataset_pb2.UpdateDatasetRequest(id="d", dataset=dataset_pb2.Dataset(description="new"))
    request.update_mask.paths.append("name")
    with pytest.raises(InvalidArgument, match=r"dataset\.name"):
        constraints.validate(request)


def test_names_and_values_of_a_map_have_bounds() -> None:
    for inputs, field in (({"x" * 101: "a"}, r"instances\[0\]\.inputs\[x{60}\]"), ({"": "a"}, r"inputs\[\]")):
        with pytest.raises(InvalidArgument, match=field):
            constraints.validate(serving_pb2.PredictRequest(id="s", instances=[serving_pb2.Instance(inputs=inputs)]))
    algorithm = algorithm_pb2.Algorithm(title={"en": "x" * 201})
    with pytest.raises(InvalidArgument, match=r"title\[en\]: at most 200 characters"):
        constraints.validate(algorithm_pb2.UpdateAlgorithmRequest(id="a", algorithm=algorithm))


def test_a_value_that_an_enum_does_not_have_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="state: a defined value was expected"):
        constraints.validate(dataset_pb2.ListDatasetsRequest(state=99))  # type: ignore[arg-type]  # as a hostile client sends it
