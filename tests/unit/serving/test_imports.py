"""What the processes of serving load."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("services.serving.events", ("grpc", "tritonclient", "torch", "numpy")),
        ("services.serving.handlers.reconcile", ("grpc", "tritonclient", "mongoengine", "pymongo", "minio")),
        ("services.serving.handlers.predict", ("grpc", "tritonclient", "mongoengine", "pymongo", "minio")),
        ("services.serving.rpc", ("torch", "nameko", "eventlet")),
        ("services.serving.control", ("torch", "nameko", "eventlet")),
    ],
)
def test_a_module_does_not_load(module: str, forbidden: tuple[str, ...]) -> None:
    code = f"import {module}, sys; print([name for name in {forbidden!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
