import json
import socket
import threading

import httpx
import pytest
from prometheus_client import REGISTRY

from protos.dataset.v1 import dataset_pb2
from tests.integration.gateway.conftest import Running
from tests.support.polling import eventually

PURPOSE = {"level1": "image", "level2": "classification"}


def last_request(gateway: Running) -> object:
    return gateway.datasets.requests[-1]


def test_create_passes_body_query_headers_caller_and_trace(gateway: Running, http: httpx.Client) -> None:
    answer = http.post(
        "/api/v1/datasets",
        json={"name": "digits", "purpose": PURPOSE, "format": "dir", "visibility": "public"},
        headers={"Idempotency-Key": "k-1", "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"},
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["etag"] == '"1"'
    assert answer.json()["state"] == "STATE_DRAFT"
    assert answer.json()["online"] is False
    request = last_request(gateway)
    assert isinstance(request, dataset_pb2.CreateDatasetRequest)
    assert request.request_id == "k-1"
    assert request.dataset.visibility == 2
    assert gateway.datasets.callers[-1] == "admin"
    assert gateway.datasets.traces[-1].split("-")[1] == "a" * 32
    assert answer.headers["traceparent"].split("-")[1] == "a" * 32


def test_query_of_a_list(gateway: Running, http: httpx.Client) -> None:
    answer = http.get("/api/v1/datasets", params={"page_size": 5, "state": "imported", "online": "true"})
    assert answer.json() == {"datasets": [], "next_page_token": "", "total_size": str(2**40)}
    request = last_request(gateway)
    assert isinstance(request, dataset_pb2.ListDatasetsRequest)
    assert (request.page_size, request.state, request.online) == (5, dataset_pb2.Dataset.STATE_IMPORTED, True)


def test_update_makes_its_mask_and_takes_if_match(gateway: Running, http: httpx.Client) -> None:
    body = {"description": "", "name": "x"}
    answer = http.patch("/api/v1/datasets/ds-1", json=body, headers={"If-Match": '"7"'})
    assert answer.status_code == 200, answer.text
    request = last_request(gateway)
    assert isinstance(request, dataset_pb2.UpdateDatasetRequest)
    assert list(request.update_mask.paths) == ["description", "name"]
    assert request.dataset.etag == "7"
    stale = http.patch("/api/v1/datasets/ds-1", json=body, headers={"If-Match": '"6"'})
    assert stale.status_code == 409
    assert stale.json()["error"]["status"] == "ABORTED"
    assert stale.json()["error"]["details"][0]["reason"] == "ETAG_MISMATCH"


def test_errors_come_with_their_details(http: httpx.Client) -> None:
    missing = http.get("/api/v1/datasets/ds-9")
    assert missing.status_code == 404
    error = missing.json()["error"]
    assert error["status"] == "NOT_FOUND"
    assert error["message"] == "ds-9 does not exist."
    assert error["details"][0] == {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "DATASET_NOT_FOUND",
        "domain": "modelyard",
        "metadata": {"id": "ds-9"},
    }
    wrong = http.post("/api/v1/datasets/ds-1:online")
    assert wrong.status_code == 400
    fields = wrong.json()["error"]["details"][1]["field_violations"]
    assert [violation["field"] for violation in fields] == ["id", "etag"]


def test_constraints_of_the_proto_hold(http: httpx.Client) -> None:
    answer = http.post("/api/v1/datasets", json={"name": "9 bad", "purpose": PURPOSE, "format": "dir"})
    assert answer.status_code == 400
    assert answer.json()["error"]["details"][1]["field_violations"][0]["field"] == "dataset.name"


@pytest.mark.parametrize(
    ("verb", "path", "content", "code", "named"),
    [
        ("GET", "/api/v1/datasets?nme=x", None, 400, "nme"),
        ("POST", "/api/v1/datasets", b'{"nme": 1}', 400, "dataset.nme"),
        ("POST", "/api/v1/datasets", b'{"purpose": {"x": 1}}', 400, "dataset.purpose.x"),
        ("POST", "/api/v1/datasets/ds-1:import", b'{"id": "ds-2", "upload_id": "u"}', 400, "id"),
        ("POST", "/api/v1/datasets/ds-1:import?upload_id=u", b"{}", 400, "upload_id"),
        ("POST", "/api/v1/datasets", b"{", 400, "not JSON"),
        ("GET", "/api/v1/nothing", None, 404, "/api/v1/nothing"),
        ("GET", "/api/v1/datasets/ds-1:nothing", None, 404, "ds-1:nothing"),
        ("PUT", "/api/v1/datasets/ds-1", None, 405, "PUT"),
    ],
)
def test_what_is_wrong_is_named(
    http: httpx.Client, verb: str, path: str, content: bytes | None, code: int, named: str
) -> None:
    headers = {"Content-Type": "application/json"} if content else {}
    answer = http.request(verb, path, content=content, headers=headers)
    assert answer.status_code == code, answer.text
    assert named in answer.json()["error"]["message"]


def test_405_says_what_is_allowed(http: httpx.Client) -> None:
    assert http.put("/api/v1/datasets/ds-1").headers["allow"] == "DELETE, GET, PATCH"


def test_delete_answers_an_empty_object(http: httpx.Client) -> None:
    assert http.delete("/api/v1/datasets/ds-1", headers={"If-Match": "7"}).json() == {}


def test_without_a_token(gateway: Running) -> None:
    with gateway.client(signed_in=False) as client:
        answer = client.get("/api/v1/datasets")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert client.get("/api/v1/datasets", headers={"Authorization": "Bearer forged"}).status_code == 401
        assert client.get("/api/v1/datasets", headers={"Authorization": "Basic YTpi"}).status_code == 401


def test_body_limits(gateway: Running, http: httpx.Client) -> None:
    big = json.dumps({"name": "x" * 2**20}).encode()
    headers = {"Content-Type": "application/json"}
    assert http.post("/api/v1/datasets", content=big, headers=headers).status_code == 413

    def pieces() -> object:
        yield big

    assert http.post("/api/v1/datasets", content=pieces(), headers=headers).status_code == 413  # type: ignore[arg-type]
    image = "A" * (3 * 2**20)
    predicted = http.post("/api/v1/services/svc-1:predict", json={"instances": [{"inputs": {"image": image}}]})
    assert predicted.json()["predictions"][0]["label"] == str(len(image))


def test_a_form_is_told_what_is_expected(http: httpx.Client) -> None:
    answer = http.post("/api/v1/datasets", data={"name": "x"})
    assert answer.status_code == 415
    assert "application/json" in answer.json()["error"]["message"]


def test_slow_headers_and_slow_bodies_are_ended(gateway: Running) -> None:
    host, port = gateway.settings.gateway_http.split(":")
    with socket.create_connection((host, int(port)), timeout=15) as line:
        line.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        assert line.recv(100) == b""
    with socket.create_connection((host, int(port)), timeout=15) as line:
        head = f"POST /api/v1/datasets HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gateway.token}\r\n"
        line.sendall(head.encode() + b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
        assert line.recv(100).startswith(b"HTTP/1.1 408")


def test_headers_are_limited(gateway: Running) -> None:
    with gateway.client() as client:
        assert client.get("/healthz", headers={"X-Big": "x" * 100_000}).status_code in (400, 431)


def events_of(text: str) -> list[dict[str, str]]:
    blocks = [block for block in text.split("\n\n") if block and not block.startswith(":")]
    return [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks]


def test_streams_are_server_sent_events(http: httpx.Client) -> None:
    answer = http.get("/api/v1/datasets/ds-1:watch")
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = events_of(answer.text)
    assert [json.loads(event["data"]).get("etag") for event in events] == ["0", "1", "2", None]
    assert events[-1]["event"] == "end"


def test_a_stream_that_fails_at_once_is_an_error(http: httpx.Client) -> None:
    answer = http.get("/api/v1/datasets/ds-none:watch")
    assert answer.status_code == 404
    assert answer.json()["error"]["details"][0]["reason"] == "DATASET_NOT_FOUND"


def test_a_stream_that_breaks_says_so(http: httpx.Client) -> None:
    events = events_of(http.get("/api/v1/datasets/ds-breaks:watch").text)
    assert events[-1]["event"] == "error"
    assert json.loads(events[-1]["data"])["error"]["details"][0]["reason"] == "BROKEN"
    assert len(events) == 4


def test_metrics_go_on_after_the_last_event(http: httpx.Client) -> None:
    events = events_of(http.get("/api/v1/tasks/task-1/metrics:watch", headers={"Last-Event-ID": "3"}).text)
    assert [event.get("id") for event in events] == ["4", "5", None]


def test_the_upstream_stream_ends_when_the_client_goes(gateway: Running, http: httpx.Client) -> None:
    with http.stream("GET", "/api/v1/datasets/ds-forever-left:watch") as answer:
        assert next(answer.iter_lines())
        assert eventually(lambda: "ds-forever-left" in gateway.datasets.watched)
        assert "ds-forever-left" not in gateway.datasets.ended
    assert eventually(lambda: "ds-forever-left" in gateway.datasets.ended)


def test_http_bodies_are_raw_bytes(http: httpx.Client) -> None:
    answer = http.get("/api/v1/tasks/task-1/log")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.content == b"epoch 1\n\xff\x00 bytes\n" + b"x" * 100_000
    assert http.get("/api/v1/tasks/task-2/log").status_code == 404


def test_pages_metrics_and_readiness(gateway: Running) -> None:
    with gateway.client(signed_in=False) as client:
        page = client.get("/docs")
        assert "script-src 'self'" in page.headers["content-security-policy"]
        assert "http://" not in page.text
        assert "https://" not in page.text
        assert client.get("/docs.js").status_code == client.get("/docs.css").status_code == 200
        assert "/api/v1/datasets" in client.get("/openapi.json").json()["paths"]
        # They are for the operator, on a port of their own.
        assert client.get("/metrics").status_code == 404
        assert REGISTRY.get_sample_value(
            "modelyard_http_requests_total", {"method": "GET", "route": "/openapi.json", "code": "200"}
        )
        readiness = client.get("/readyz")
        assert readiness.status_code == 503
        parts = readiness.json()["parts"]
        ready = {name for name, part in parts.items() if part["ready"]}
        assert ready == {"dataset", "trainer", "serving", "mongo", "broker", "object_store", "triton"}
        assert parts["algorithm"]["error"] == "UNAVAILABLE"


def test_many_at_once(gateway: Running) -> None:
    codes: list[int] = []

    def ask() -> None:
        with gateway.client() as client:
            codes.extend(client.get("/api/v1/datasets/ds-1").status_code for _ in range(20))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(codes) == 160, timeout=60)
    assert set(codes) == {200}
