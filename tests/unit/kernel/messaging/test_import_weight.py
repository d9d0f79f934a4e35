"""The events process is patched by eventlet: what does not stand that must not get into it."""

import subprocess
import sys

FORBIDDEN = ("grpc", "torch", "tritonclient", "aio_pika", "numpy")


def test_subscription_imports_nothing_heavy() -> None:
    code = (
        "import sys, services.kernel.messaging.subscription\n"
        f"print([name for name in {FORBIDDEN!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
