"""The end of a process of a service."""

import subprocess
import sys

import pytest

PROGRAM = """
import os, signal, sys, threading, time, types

class Interrupted(threading.Condition):
    '''A signal comes while the main thread, which waits, still holds the lock: for microseconds in real life.'''
    def wait(self, timeout=None):
        if threading.current_thread() is threading.main_thread():
            os.kill(os.getpid(), signal.SIGTERM)
        return super().wait(timeout)

class Event(threading.Event):
    def __init__(self):
        super().__init__()
        self._cond = Interrupted(threading.Lock())

from services.kernel import logging, process
process.threading = types.SimpleNamespace(**{**vars(threading), "Event": Event})

def patient(stop):
    time.sleep(0.5)  # the main thread waits by now
    os.kill(os.getpid(), signal.SIGTERM)
    stop.wait()

def hasty(stop):
    pass

def broken(stop):
    raise ValueError("broken")

sys.modules["roles"] = roles = types.ModuleType("roles")
roles.patient, roles.hasty, roles.broken = patient, hasty, broken
logging.configure("test", "role", level="info", fmt="json", secrets=[])
process._run_together("test", {name: f"roles:{name}" for name in sys.argv[1:]})
"""


@pytest.mark.parametrize(
    ("roles", "code", "event"),
    [
        (["patient"], 0, '"failed": []'),
        (["hasty"], 1, "role_ended_early"),
        (["broken"], 1, "role_failed"),
    ],
    ids=["told to stop", "ended early", "failed"],
)
def test_a_process_ends(roles: list[str], code: int, event: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *roles], capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert event in done.stdout + done.stderr
