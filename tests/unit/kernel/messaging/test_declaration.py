"""Declaring at a broker that does not answer."""

import socket

import pytest

from services.kernel.messaging import declaration
from services.kernel.messaging.topology import log_topology


def test_a_broker_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(declaration, "CONNECT_S", 0.2)
    monkeypatch.setattr(declaration, "ANSWER_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = f"amqp://guest:guest@127.0.0.1:{silent.getsockname()[1]}//"
        with pytest.raises(ConnectionError, match="the broker does not answer"):
            declaration.declare_at(uri, [log_topology("things")])
    with pytest.raises(ConnectionError):
        declaration.declare_at(uri, [log_topology("things")])
