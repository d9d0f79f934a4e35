"""What a process writes into its log: ids, and no secrets."""

import json
import subprocess
import sys

import pytest

from services.kernel.logging import ids_of_subject
from services.kernel.redaction import MASK, is_secret_name, masked, masked_text, remember_secrets
from tests.support.service_process import ROOT

PROGRAM = """
import logging as standard
import threading
from services.kernel import logging
from services.kernel.context import Caller, acting_as, untraced

logging.configure("trainer", "rpc", secrets=["value-of-a-secret"])
log = logging.get_logger("test")
with logging.about(task_id="task-1", run_id="", workload_id="wl-1"), untraced(TRACE), acting_as(Caller("usr-1")):
    log.info("with_ids")
nested = {"token_key": "hunter2", "a": ["value-of-a-secret"]}
log.info("plain", password="hunter2", uri="amqp://me:hunter2@host/", nested=nested)
standard.getLogger("library").warning("cannot connect to %s", "mongodb://me:hunter2@host/db")
try:
    raise ValueError("Authorization: Bearer hunter2hunter2")
except ValueError:
    log.exception("caught", error=ValueError("value-of-a-secret"))
def work():
    log.info("in_thread")
    raise RuntimeError("secret=hunter2")
thread = threading.Thread(target=work, name="worker")
thread.start()
thread.join()
"""
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture(scope="module")
def records() -> list[dict[str, object]]:
    program = PROGRAM.replace("TRACE)", repr(TRACE) + ")")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert "hunter2" not in done.stderr
    assert "value-of-a-secret" not in done.stderr
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_every_line_says_whose_it_is(records: list[dict[str, object]]) -> None:
    assert len(records) == 6
    assert {(one["service"], one["role"]) for one in records} == {("trainer", "rpc")}
    assert all(one["timestamp"] and one["level"] for one in records)


def test_ids_are_bound_once(records: list[dict[str, object]]) -> None:
    first = records[0]
    assert (first["task_id"], first["workload_id"], first["actor"]) == ("task-1", "wl-1", "usr-1")
    assert first["trace_id"] == TRACE[3:35]
    assert "run_id" not in first
    assert "task_id" not in records[1]


def test_secrets_are_masked_and_the_rest_is_kept(records: list[dict[str, object]]) -> None:
    plain = records[1]
    assert plain["password"] == MASK
    assert plain["uri"] == f"amqp://me:{MASK}@host/"
    assert plain["nested"] == {"token_key": MASK, "a": [MASK]}
    assert records[2]["event"] == f"cannot connect to mongodb://me:{MASK}@host/db"
    assert "ValueError: Authorization" in str(records[3]["exception"])


def test_the_end_of_a_thread_is_logged(records: list[dict[str, object]]) -> None:
    assert (records[5]["event"], records[5]["thread"]) == ("thread_failed", "worker")
    assert f"secret={MASK}" in str(records[5]["exception"])


@pytest.mark.parametrize(
    "text",
    [
        "mongodb://user:S3CRET@host:1/db?x=1",
        "postgres://u:a/S3CRET/b@host",
        "Authorization: Bearer S3CRET.abcdefgh",
        "{'token': 'S3CRET', 'x': 1}",
        '{"api_key": "S3CRET with spaces"}',
        "MODELYARD_TOKEN_KEY=S3CRET",
        "GET /x?X-Amz-Signature=S3CRET&y=1",
        "eyJhbGciOiJIUzI1NiJ9.eyJTM0NSRVQiOjF9.S3CRET-x",
        "-----BEGIN RSA PRIVATE KEY-----\nS3CRET\n-----END RSA PRIVATE KEY-----",
        "password: S3CRET",
    ],
)
def test_secrets_of_known_shapes(text: str) -> None:
    assert "S3CRET" not in masked_text(text)
    assert MASK in masked_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "task-01m8bvb6bhdx8qzsmb8g90yg2a",
        "token expired for user usr-1",
        "http://127.0.0.1:18000/api is away",
        "the access key is not the right one",
        "services.kernel.tokens",
        "1/2 files, 30 % done; see host:port",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert masked_text(text) == text


def test_values_that_the_process_was_given() -> None:
    remember_secrets(["given-to-the-process", "ab"])
    assert masked_text("x given-to-the-process y ab") == f"x {MASK} y ab"


def test_names_of_secrets() -> None:
    secret = {
        "password",
        "MODELYARD_TOKEN_KEY",
        "s3_secret_key",
        "admin_password",
        "Authorization",
        "api-key",
        "tokens",
    }
    assert {name for name in secret if is_secret_name(name)} == secret
    assert not any(map(is_secret_name, ("task_id", "key", "keys_pressed", "tokenizer", "passed", "event", "status")))


def test_hostile_values_end() -> None:
    loop: dict[str, object] = {}
    loop["again"] = loop
    assert MASK in str(masked({"password": loop}))
    assert len(str(masked(loop))) < 2000
    assert masked({"n": 1, "none": None, "yes": True, "f": 0.5}) == {"n": 1, "none": None, "yes": True, "f": 0.5}


def test_the_subject_of_an_event_is_an_id() -> None:
    assert ids_of_subject("run/task-1-2") == {"run_id": "task-1-2"}
    assert ids_of_subject("service/svc-1/3") == {"service_id": "svc-1"}
    assert ids_of_subject("") == ids_of_subject("x") == {}
