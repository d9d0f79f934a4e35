"""Small questions about a port."""

import http.client
import socket

from deploy.embedded.settings import LOOPBACK


def port_is_taken(port: int) -> bool:
    """Whether something listens on the loopback port (connections being closed do not count)."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return True
    return False


def accepts(address: str) -> bool:
    """Whether `host:port` takes connections."""
    host, port = address.rsplit(":", 1)
    try:
        with socket.create_connection((host, int(port)), timeout=2):
            return True
    except OSError:
        return False


def http_ok(address: str, path: str) -> bool:
    """Whether a GET of `path` at `host:port` is answered with 200."""
    connection = http.client.HTTPConnection(address, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
