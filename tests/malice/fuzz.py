"""Requests that schemathesis makes from the live `/openapi.json`, every other one about real things."""

import contextlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok

from tests.malice.recipes import RECIPES, Case
from tests.malice.world import World

load_all_checks()


@schemathesis.serializer("application/offset+octet-stream")
def _as_it_is(_context: schemathesis.SerializationContext, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


_CHECKS: list[Any] = CHECKS.get_by_names(
    [
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
    ]
)
_PIECE = 1 << 16
_ANSWER_S = 90
_MOST_BYTES = 4 << 20
_ENDS_ITS_SESSION = "Identity_DeleteCurrentSession"
_GUESSES = 10  # of passwords, before the address is asked to wait


@dataclass
class Outcome:
    """What came of the requests: status codes by operation, and what was wrong with an answer."""

    codes: dict[str, Counter[int]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    @property
    def cases(self) -> int:
        return sum(sum(codes.values()) for codes in self.codes.values())

    @property
    def reached(self) -> list[str]:
        """The operations that succeeded at least once."""
        return [name for name, codes in self.codes.items() if any(200 <= code < 300 for code in codes)]

    def table(self) -> str:
        lines = [f"{name:42} {dict(sorted(codes.items()))}" for name, codes in sorted(self.codes.items())]
        share = f"{len(self.reached)} of {len(self.codes)} operations reached 2xx in {self.cases} cases"
        return "\n".join([*lines, share])


class Fuzzer:
    """`examples` requests for each operation and kind of data; the same `seed_` makes the same requests."""

    def __init__(self, world: World, examples: int, seed_: int) -> None:
        self._world = world
        self._examples = examples
        self._seed = seed_
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {world.client.token}"
        self._schema = schemathesis.openapi.from_url(f"{world.client.url}/openapi.json")
        self.outcome = Outcome()

    def run(self) -> Outcome:
        for result in self._schema.get_all_operations():
            assert isinstance(result, Ok), result
            operation = result.ok()
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                # Nothing can be made wrong in an operation without parameters.
                with contextlib.suppress(Unsatisfiable):
                    self._attack(operation, mode)
        return self.outcome

    def _attack(self, operation: Any, mode: GenerationMode) -> None:
        name = operation.definition.raw["operationId"]
        count = min(self._examples, _GUESSES) if name == "Identity_CreateSession" else self._examples

        @seed(self._seed)
        @settings(
            max_examples=count,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )
        @given(case=operation.as_strategy(generation_mode=mode), real=st.booleans())
        def attack(case: Case, real: bool) -> None:
            case.headers.pop("Authorization", None)
            first = mode is GenerationMode.POSITIVE and name not in self.outcome.codes
            if name in RECIPES and (real or first or name == _ENDS_ITS_SESSION):
                RECIPES[name](self._world, case)
            self._judge(name, case)

        attack()

    def _judge(self, name: str, case: Case) -> None:
        response = self._answer(case)
        if response is None:
            return
        self.outcome.codes.setdefault(name, Counter())[response.status_code] += 1
        shown = f"{case.as_curl_command()}\n  {response.status_code} {response.content[:300]!r}"
        if response.status_code >= 500 and not (name == "Operation_Ready" and response.status_code == 503):
            self.outcome.failures.append(f"{name}: an error of the server\n  {shown}")
        try:
            case.validate_response(response, checks=_CHECKS)
        except (Failure, FailureGroup) as failure:
            told = "; ".join(str(one) for one in getattr(failure, "exceptions", [failure]))
            self.outcome.failures.append(f"{name}: {told}\n  {shown}")

    def _answer(self, case: Case) -> schemathesis.Response | None:
        """What the platform says; of a stream its beginning. None when the request cannot be put on the wire."""
        request = case.as_transport_kwargs(base_url=self._world.client.url)
        follows = "text/event-stream" in str(case.operation.definition.raw) or (case.query or {}).get("follow")
        try:
            answer = self._session.request(**request, stream=True, timeout=_ANSWER_S, allow_redirects=False)
        except (requests.exceptions.InvalidHeader, requests.exceptions.InvalidURL, UnicodeEncodeError):
            return None
        with answer:
            content = piece = answer.raw.read1(_PIECE)
            while piece and not (follows and answer.ok) and len(content) < _MOST_BYTES:
                piece = answer.raw.read1(_PIECE)
                content += piece
        return schemathesis.Response(
            status_code=answer.status_code,
            headers={key.lower(): [value] for key, value in answer.headers.items()},
            content=content,
            request=answer.request,
            elapsed=answer.elapsed.total_seconds(),
            verify=False,
        )
