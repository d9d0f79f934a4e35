"""The contract suites run against the real servers too."""

from tests.integration.conftest import servers, worker_name

__all__ = ["servers", "worker_name"]
