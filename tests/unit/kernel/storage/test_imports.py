import subprocess
import sys

_CODE = """
import eventlet
eventlet.monkey_patch()
import sys, threading
before = threading.active_count()
import services.kernel.storage.mongo, services.kernel.storage.documents, services.kernel.storage.jobs
import services.kernel.storage.lease, services.kernel.storage.changes, services.kernel.storage.bundles
heavy = {"grpc", "torch", "tritonclient", "aio_pika", "docker"} & set(sys.modules)
assert not heavy, heavy
assert threading.active_count() == before
"""


def test_storage_is_light_and_starts_nothing_when_imported() -> None:
    subprocess.run([sys.executable, "-W", "ignore", "-c", _CODE], check=True, timeout=60)
