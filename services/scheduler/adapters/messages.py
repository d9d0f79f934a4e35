"""Messages to domain types where the names alone do not say how."""

from protos.scheduler.v1 import agent_pb2, workload_pb2
from services.kernel.errors import InvalidArgument
from services.kernel.values import BundleRef
from services.kernel.wire import from_message
from services.scheduler.domain import ExitReason, MetricPoint, WorkloadExit, WorkloadInput, WorkloadSpec, WorkloadStep


def spec_from(message: workload_pb2.WorkloadSpec) -> WorkloadSpec:
    return from_message(message, WorkloadSpec, inputs=tuple(_input_from(item) for item in message.inputs))


def _input_from(message: workload_pb2.WorkloadInput) -> WorkloadInput:
    match message.WhichOneof("source"):
        case "bundle":
            return WorkloadInput(message.path, bundle=from_message(message.bundle, BundleRef))
        case "blob":
            return WorkloadInput(message.path, blob=message.blob)
        case "text":
            return WorkloadInput(message.path, text=message.text)
    raise InvalidArgument.field("spec.inputs", f"{message.path!r} needs one of bundle, blob and text")


def exit_from(message: workload_pb2.WorkloadExit) -> WorkloadExit:
    outputs = from_message(message.outputs, BundleRef) if message.outputs.index else None
    name = workload_pb2.WorkloadExit.Reason.Name(message.reason).removeprefix("REASON_").lower()
    if name == "unspecified":
        raise InvalidArgument.field("exit.reason", "must say how it ended")
    return from_message(message, WorkloadExit, reason=ExitReason(name), outputs=outputs)


def steps_from(messages: "list[workload_pb2.WorkloadStep]") -> tuple[WorkloadStep, ...]:
    return tuple(from_message(message, WorkloadStep) for message in messages)


def points_from(message: agent_pb2.AppendMetricPointsRequest) -> list[MetricPoint]:
    return [from_message(point, MetricPoint) for point in message.points]
