"""The database under eventlet's monkey patching, as the process that handles events has it."""

import os
import subprocess
import sys
from pathlib import Path

from services.kernel.config import KernelSettings
from tests.support.settings import environment_of

_CODE = """
import eventlet
eventlet.monkey_patch()
import sys
from services.kernel.config import KernelSettings
from services.kernel.storage import mongo
from services.kernel.storage.transactions import in_transaction
mongo.connect(KernelSettings(), sys.argv[1])
things = mongo.database()["things"]
things.insert_one({"_id": "counter", "n": 0})
beats = []

def beat():
    while True:
        beats.append(1)
        eventlet.sleep(0.005)

def add(_):
    def work():
        n = things.find_one({"_id": "counter"})["n"]
        eventlet.sleep(0.02)
        things.update_one({"_id": "counter"}, {"$set": {"n": n + 1}})
    in_transaction(work)

eventlet.spawn(beat)
list(eventlet.GreenPool(8).imap(add, range(8)))
assert things.find_one({"_id": "counter"})["n"] == 8
assert len(beats) > 5, beats
print("fine")
"""


def test_transactions_in_green_threads(settings: KernelSettings, database: str) -> None:
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _CODE, database.removeprefix("modelyard_")],
        capture_output=True, text=True, timeout=90, check=False,
        cwd=Path(__file__).parents[4], env=dict(os.environ) | environment_of(settings),
    )  # fmt: skip
    assert (run.returncode, run.stdout) == (0, "fine\n"), run.stderr
