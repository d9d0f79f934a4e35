"""Errors to statuses and back."""

import pytest

from services.kernel import errors
from services.kernel.errors import DomainError, FieldViolation
from services.kernel.grpc.status import CODES, from_status, to_status


@pytest.mark.parametrize("kind", CODES)
def test_an_error_survives_the_wire(kind: type[DomainError]) -> None:
    violations = [FieldViolation("a.b", "x")]
    error = kind("What was expected.", reason="SOME_REASON", violations=violations, metadata={"k": "v"})
    back = from_status(to_status(error))
    assert type(back) is kind
    assert (back.message, back.reason, back.violations, back.metadata) == (
        "What was expected.",
        "SOME_REASON",
        (FieldViolation("a.b", "x"),),
        {"k": "v"},
    )


def test_a_derived_error_takes_the_code_of_its_base() -> None:
    class OutputInvalid(errors.FailedPrecondition):
        reason = "OUTPUT_INVALID"

    back = from_status(to_status(OutputInvalid("no report")))
    assert type(back) is errors.FailedPrecondition
    assert back.reason == "OUTPUT_INVALID"
