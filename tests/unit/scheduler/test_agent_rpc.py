"""What agents call, with a platform that answers slowly."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from protos.scheduler.v1 import agent_pb2
from services.kernel.errors import Unavailable
from services.scheduler.rpc import agents


def test_logs_that_hang_hold_at_most_four_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    released, inside = threading.Event(), threading.Semaphore(0)

    def hanging(_: object) -> int:
        inside.release()
        released.wait(20)
        return 7

    monkeypatch.setattr(agents, "in_transaction", hanging)
    monkeypatch.setattr(agents, "require_service", lambda: None)
    monkeypatch.setattr(agents, "_LOG_WAIT_S", 0.05)
    nothing: Any = None
    rpc, request = agents.AgentRpc(nothing, nothing), agent_pb2.AppendLogRequest()
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(rpc.AppendLog, request) for _ in range(4)]
        assert all(inside.acquire(timeout=10) for _ in calls)
        with pytest.raises(Unavailable) as caught:
            rpc.AppendLog(request)
        released.set()
        assert [call.result(10).next_offset for call in calls] == [7] * 4
    assert caught.value.reason == "LOGS_BUSY"
    assert rpc.AppendLog(request).next_offset == 7
