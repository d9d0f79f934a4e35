"""Requests to the public HTTP API: authentication, errors, retries, streams."""

import json
import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self, cast

import httpx

from services.kernel.ids import new_id

JsonObject = dict[str, Any]

RETRIED_STATUSES = frozenset({429, 502, 503, 504})
TIMEOUT = httpx.Timeout(60.0, connect=5.0)


class ApiError(Exception):
    """An answer that is no success. `status` is the name of the google.rpc code, `http_status` the HTTP one."""

    def __init__(self, http_status: int, status: str, message: str, details: list[JsonObject]) -> None:
        super().__init__(message)
        self.http_status = http_status
        self.status = status
        self.message = message
        self.details = details

    @property
    def reason(self) -> str:
        return next((str(detail["reason"]) for detail in self.details if "reason" in detail), "")

    @classmethod
    def of(cls, response: httpx.Response) -> "ApiError":
        try:
            error = response.json()["error"]
            return cls(response.status_code, error["status"], error["message"], error.get("details", []))
        except (ValueError, KeyError, TypeError):
            return cls(response.status_code, "UNKNOWN", response.text[:500] or response.reason_phrase, [])


class Client:
    """A session with a platform at `url`; use it as a context manager.

    Requests that a server cannot take now are repeated for `patience_s` seconds; every POST carries an idempotency
    key, so that a repeated one does its work once.
    """

    def __init__(self, url: str, token: str = "", *, patience_s: float = 60.0) -> None:
        self.url = url.rstrip("/")
        self._patience_s = patience_s
        self.http = httpx.Client(base_url=self.url, timeout=TIMEOUT, trust_env=False)
        if token:
            self.use_token(token)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.close()

    @property
    def token(self) -> str:
        return str(self.http.headers.get("authorization", "")).removeprefix("Bearer ")

    def use_token(self, token: str) -> None:
        self.http.headers["authorization"] = f"Bearer {token}"

    def sign_in(self, user_name: str, password: str) -> JsonObject:
        session = self.post("/api/v1/sessions", {"user_name": user_name, "password": password})
        self.use_token(session["token"])
        return session

    def get(self, path: str, **query: object) -> JsonObject:
        return self.request("GET", path, query=query)

    def post(self, path: str, body: Mapping[str, object] | None = None, **query: object) -> JsonObject:
        return self.request("POST", path, body=body or {}, query=query)

    def patch(self, path: str, body: Mapping[str, object], **query: object) -> JsonObject:
        return self.request("PATCH", path, body=body, query=query)

    def delete(self, path: str, **query: object) -> JsonObject:
        return self.request("DELETE", path, query=query)

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, object] | None = None,
    ) -> JsonObject:
        """The JSON answer; raises `ApiError`, or `httpx.TransportError` when the server stays away."""
        headers = {} if method == "GET" else {"idempotency-key": new_id("request")}
        params = {name: _query_value(value) for name, value in (query or {}).items() if value not in (None, "")}
        deadline, delay = time.monotonic() + self._patience_s, 0.2
        while True:
            try:
                response = self.http.request(method, path, json=body, params=params, headers=headers)
                if response.is_success:
                    return cast("JsonObject", response.json()) if response.content else {}
                error: Exception = ApiError.of(response)
                again = response.status_code in RETRIED_STATUSES
            except httpx.TransportError as failure:
                error, again = failure, True
            if not again or time.monotonic() + delay > deadline:
                raise error
            time.sleep(delay)
            delay = min(delay * 2, 3.0)

    def pages(self, path: str, field: str, **query: object) -> Iterator[JsonObject]:
        """All items of a list, page by page."""
        token = ""
        while True:
            page = self.get(path, **query, page_token=token)
            yield from page.get(field, [])
            token = page.get("next_page_token", "")
            if not token:
                return

    def events(self, path: str, *, last_id: str = "", **query: object) -> Iterator[tuple[str, JsonObject]]:
        """Server-sent events as (id, data), until the server ends the stream."""
        headers = {"accept": "text/event-stream"} | ({"last-event-id": last_id} if last_id else {})
        params = {name: _query_value(value) for name, value in query.items() if value not in (None, "")}
        timeout = httpx.Timeout(None, connect=5.0)
        with self.http.stream("GET", path, params=params, headers=headers, timeout=timeout) as response:
            if not response.is_success:
                response.read()
                raise ApiError.of(response)
            yield from _server_sent_events(response.iter_lines())

    def lines(self, path: str, **query: object) -> Iterator[str]:
        """A text answer line by line, as it comes."""
        params = {name: _query_value(value) for name, value in query.items() if value not in (None, "")}
        timeout = httpx.Timeout(None, connect=5.0)
        with self.http.stream("GET", path, params=params, timeout=timeout) as response:
            if not response.is_success:
                response.read()
                raise ApiError.of(response)
            yield from response.iter_lines()


def _query_value(value: object) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _server_sent_events(lines: Iterator[str]) -> Iterator[tuple[str, JsonObject]]:
    kind, identity, data = "message", "", []
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "event":
                kind = value
            elif name == "id":
                identity = value
            elif name == "data":
                data.append(value)
            continue
        if kind == "end":
            return
        if data:
            content = json.loads("\n".join(data))
            if kind == "error":
                error = content.get("error", content)
                raise ApiError(200, error.get("status", "UNKNOWN"), error.get("message", ""), error.get("details", []))
            yield identity, content
        kind, data = "message", []
