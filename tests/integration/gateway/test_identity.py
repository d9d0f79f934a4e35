import threading
from datetime import timedelta

import httpx
import pytest

from services.gateway.identity.domain import ThrottleRule
from services.gateway.identity.models import AttemptDocument, MongoAttempts
from services.kernel.entity import utc_now
from services.kernel.storage.mongo import collection_of
from tests.integration.gateway.conftest import PASSWORD, Running, sign_in

RIGHT = {"user_name": "admin", "password": PASSWORD}


@pytest.fixture(autouse=True)
def _no_attempts(gateway: Running) -> None:
    collection_of(AttemptDocument).delete_many({})


def test_sign_in_and_out(gateway: Running) -> None:
    with gateway.client(signed_in=False) as client:
        session = client.post("/api/v1/sessions", json=RIGHT).json()
        assert session["user"]["name"] == "admin"
        assert session["user"]["roles"] == ["admin"]
        headers = {"Authorization": f"Bearer {session['token']}"}
        assert client.get("/api/v1/users/current", headers=headers).json()["id"] == session["user"]["id"]
        assert client.delete("/api/v1/sessions/current", headers=headers).status_code == 200
        assert client.get("/api/v1/users/current", headers=headers).status_code == 401
    with gateway.client() as other:
        assert other.get("/api/v1/users/current").status_code == 200


def test_throttling(gateway: Running) -> None:
    with gateway.client(signed_in=False) as client:
        wrong = {"user_name": "admin", "password": "wrong"}
        codes = [client.post("/api/v1/sessions", json=wrong).status_code for _ in range(7)]
        assert codes[:5] == [401] * 5
        assert 429 in codes[5:]
        refused = client.post("/api/v1/sessions", json=RIGHT)
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.json()["error"]["details"][0]["reason"] == "SIGN_IN_THROTTLED"


def test_attempts_at_the_same_time_all_count(gateway: Running) -> None:
    rule = ThrottleRule(5, utc_now() - utc_now().replace(year=2000))
    passed: list[bool] = []

    def attempt() -> None:
        passed.append(not MongoAttempts().begin("key", rule, utc_now()))

    threads = [threading.Thread(target=attempt) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(passed) == 5


def test_undone_attempts_neither_count_nor_wait(gateway: Running) -> None:
    rule = ThrottleRule(2, timedelta(minutes=15))
    attempts, now = MongoAttempts(), utc_now()
    for _ in range(5):
        assert not attempts.begin("undone", rule, now)
        attempts.undo("undone", rule, now)
    assert not attempts.begin("undone", rule, now)
    assert not attempts.begin("undone", rule, now)
    assert attempts.begin("undone", rule, now)


def test_undoing_keeps_the_wait_of_a_later_attempt(gateway: Running) -> None:
    rule = ThrottleRule(2, timedelta(minutes=15))
    attempts, now = MongoAttempts(), utc_now()
    later = now + timedelta(milliseconds=5)
    assert not attempts.begin("later", rule, now)
    assert not attempts.begin("later", rule, later)
    attempts.undo("later", rule, now)
    assert attempts.begin("later", rule, later) == timedelta(seconds=1)
    assert not attempts.begin("later", rule, later + timedelta(seconds=1))
    assert attempts.begin("later", rule, later + timedelta(seconds=1))


def test_success_forgets_failures(gateway: Running) -> None:
    with gateway.client(signed_in=False) as client:
        for _ in range(3):
            for _ in range(3):
                client.post("/api/v1/sessions", json={"user_name": "admin", "password": "wrong"})
            assert sign_in(gateway)


def test_bad_requests_are_named(gateway: Running) -> None:
    with gateway.client(signed_in=False) as client:
        answer: httpx.Response = client.post("/api/v1/sessions", json={"user_name": "admin"})
        assert answer.status_code == 400
        assert answer.json()["error"]["details"][1]["field_violations"][0]["field"] == "password"
