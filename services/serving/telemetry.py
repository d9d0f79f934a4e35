"""What Prometheus learns of Triton."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Gauge, Histogram

from services.kernel import tracing
from services.kernel.errors import DomainError
from services.kernel.grpc.status import code_name
from services.kernel.metrics import FAST, SLOW
from services.serving.domain import ModelRejected

PREDICTIONS = Histogram(
    "modelyard_prediction_duration_seconds", "Inference requests to Triton, until the answer", ["outcome"], buckets=FAST
)
INSTANCES = Counter("modelyard_prediction_instances_total", "Inputs in these requests, each with an answer of its own")
LOADS = Histogram("modelyard_model_load_duration_seconds", "Loading of models into Triton", ["outcome"], buckets=SLOW)
READY = Gauge("modelyard_triton_ready", "1 while Triton answers the holder of the control lease", ["node"])


@contextmanager
def predicting(instances: int) -> Iterator[None]:
    """One inference request."""
    INSTANCES.inc(instances)
    with (
        tracing.span("triton.infer", kind="client", attributes={"modelyard.instances": instances}),
        _timed(PREDICTIONS),
    ):
        yield


@contextmanager
def loading() -> Iterator[None]:
    """One load of one model."""
    with tracing.span("triton.load", kind="client"), _timed(LOADS):
        yield


@contextmanager
def _timed(seconds: Histogram) -> Iterator[None]:
    began, outcome = time.perf_counter(), "OK"
    try:
        yield
    except DomainError as error:
        outcome = code_name(error)
        raise
    except ModelRejected:
        outcome = "REJECTED"
        raise
    finally:
        seconds.labels(outcome).observe(time.perf_counter() - began)
