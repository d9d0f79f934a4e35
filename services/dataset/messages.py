"""Data sets as the proto's messages."""

from protos.dataset.v1 import dataset_pb2
from services.dataset.domain import Dataset
from services.kernel.wire import fill, to_message


def dataset_message(dataset: Dataset) -> dataset_pb2.Dataset:
    """The resource. Its `version` is the current data version; the entity's own version is the etag."""
    message = to_message(dataset, dataset_pb2.Dataset)
    message.ClearField("version")
    if dataset.current is not None:
        fill(message.version, dataset.current)
    return message
