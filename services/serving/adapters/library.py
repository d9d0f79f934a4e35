"""The model library of the trainer."""

import grpc

from protos.trainer.v1 import model_pb2, model_pb2_grpc
from services.kernel.values import BundleRef, Interface
from services.kernel.wire import from_message
from services.serving.domain import ModelVersion


class TrainerLibrary:
    """Reads versions on behalf of the current caller, so that the trainer decides what they may see."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._models = model_pb2_grpc.ModelServiceStub(channel)

    def version(self, version_id: str) -> ModelVersion:
        found: model_pb2.ModelVersion = self._models.GetModelVersion(model_pb2.GetModelVersionRequest(id=version_id))
        return ModelVersion(
            id=found.id,
            model_id=found.model_id,
            model_name=found.model_name,
            number=found.number,
            task_id=found.provenance.task_id,
            framework=found.framework,
            bundle=from_message(found.bundle, BundleRef),
            interface=from_message(found.interface, Interface),
            labels=tuple(found.labels),
        )
