"""Data sets over gRPC, without imports."""

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from protos.common.v1 import common_pb2
from protos.dataset.v1 import dataset_pb2
from services.kernel.context import Caller, acting_as
from services.kernel.errors import AlreadyExists, Conflict, FailedPrecondition, InvalidArgument, NotFound
from services.kernel.ids import new_id
from tests.integration.dataset.conftest import DatasetClient


def test_a_request_id_makes_a_data_set_once(datasets: DatasetClient) -> None:
    dataset = dataset_pb2.Dataset(name=new_id("once"), format="dir", purpose=common_pb2.Purpose(level1="text"))
    dataset.purpose.level2 = "classification"
    request = dataset_pb2.CreateDatasetRequest(dataset=dataset, request_id=new_id("req"))
    first, second = datasets.rpc.CreateDataset(request), datasets.rpc.CreateDataset(request)
    assert first == second
    with pytest.raises(AlreadyExists):
        datasets.rpc.CreateDataset(dataset_pb2.CreateDatasetRequest(dataset=dataset))


@pytest.mark.parametrize("name", ["1a", "a-", "名字", "a" * 61, ""])
def test_names_are_checked(datasets: DatasetClient, name: str) -> None:
    dataset = dataset_pb2.Dataset(name=name, format="dir")
    dataset.purpose.level1, dataset.purpose.level2 = "text", "classification"
    with pytest.raises(InvalidArgument) as caught:
        datasets.rpc.CreateDataset(dataset_pb2.CreateDatasetRequest(dataset=dataset))
    assert [violation.field for violation in caught.value.violations] == ["dataset.name"]


def test_the_second_level_of_the_purpose_belongs_to_the_first(datasets: DatasetClient) -> None:
    dataset = dataset_pb2.Dataset(name="purpose", format="dir")
    dataset.purpose.level1, dataset.purpose.level2 = "text", "segmentation"
    with pytest.raises(InvalidArgument, match="classification, extraction, relation"):
        datasets.rpc.CreateDataset(dataset_pb2.CreateDatasetRequest(dataset=dataset))


def test_update_with_mask_and_etag(datasets: DatasetClient) -> None:
    dataset = datasets.create("text")
    change = dataset_pb2.Dataset(description="titles", name="ignored", etag=dataset.etag)
    request = dataset_pb2.UpdateDatasetRequest(
        id=dataset.id, dataset=change, update_mask=FieldMask(paths=["description"])
    )
    changed = datasets.rpc.UpdateDataset(request)
    assert (changed.name, changed.description) == (dataset.name, "titles")
    with pytest.raises(Conflict) as caught:
        datasets.rpc.UpdateDataset(request)
    assert caught.value.reason == "ETAG_MISMATCH"
    request.update_mask.paths[:] = ["state"]
    with pytest.raises(InvalidArgument):
        datasets.rpc.UpdateDataset(request)


def test_lists_are_filtered_and_restricted(datasets: DatasetClient) -> None:
    with acting_as(Caller(new_id("carl"))):
        text, image = datasets.create("text"), datasets.create("image")

        def listed(**wanted: object) -> list[str]:
            answer = datasets.rpc.ListDatasets(dataset_pb2.ListDatasetsRequest(**wanted))  # type: ignore[arg-type]
            return [dataset.id for dataset in answer.datasets]

        assert listed() == [image.id, text.id]
        assert listed(purpose="text") == [text.id]
        assert listed(state=dataset_pb2.Dataset.STATE_DRAFT, page_size=1) == [image.id]
        assert listed(online=True) == []
    with acting_as(Caller(new_id("dora"))):
        assert datasets.rpc.ListDatasets(dataset_pb2.ListDatasetsRequest()).total_size == 0
        with pytest.raises(NotFound):
            datasets.get(text.id)


def test_delete_and_refusals(datasets: DatasetClient) -> None:
    dataset = datasets.create("text")
    with pytest.raises(FailedPrecondition):
        datasets.rpc.OnlineDataset(dataset_pb2.OnlineDatasetRequest(id=dataset.id))
    with pytest.raises(NotFound) as caught:
        datasets.start_import(dataset.id, "up-missing")
    assert caught.value.reason == "UPLOAD_NOT_FOUND"
    datasets.rpc.DeleteDataset(dataset_pb2.DeleteDatasetRequest(id=dataset.id))
    with pytest.raises(NotFound):
        datasets.get(dataset.id)
    assert datasets.events(dataset.id) == ["dataset.created", "dataset.deleted"]
