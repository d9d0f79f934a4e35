"""What is counted of requests, as messages and back."""

from collections import Counter

from google.protobuf.timestamp_pb2 import Timestamp

from protos.serving.v1 import serving_pb2
from services.kernel.errors import InvalidArgument
from services.kernel.traffic import HOUR_S, MINUTE_S, Cell, Outcome, Span
from services.serving.statistics import Point


def traffic_point(point: Point) -> serving_pb2.TrafficPoint:
    return serving_pb2.TrafficPoint(
        start=Timestamp(seconds=point.start),
        answered=point.outcomes[Outcome.ANSWERED],
        refused=point.outcomes[Outcome.REFUSED],
        failed=point.outcomes[Outcome.FAILED],
        p50_ms=point.quantile_ms(0.50),
        p95_ms=point.quantile_ms(0.95),
        p99_ms=point.quantile_ms(0.99),
    )


def cell_of(message: serving_pb2.TrafficCell) -> Cell:
    """Raises InvalidArgument."""
    if message.width_s not in (MINUTE_S, HOUR_S):
        raise InvalidArgument.field("cells.width_s", f"expected {MINUTE_S} or {HOUR_S}, got {message.width_s}")
    outcomes = {outcome: int(getattr(message, outcome.value)) for outcome in Outcome}
    span = Span(message.start, message.width_s)
    return Cell(message.service_id, span, Counter(outcomes), Counter(dict(message.steps)))
