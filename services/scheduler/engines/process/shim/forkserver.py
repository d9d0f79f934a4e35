"""Forks shims from one interpreter that has loaded everything: starting Python for each costs some 75 ms of CPU."""

import gc
import json
import os
import sys
import traceback
from pathlib import Path
from typing import NoReturn

from services.scheduler.engines.process.shim import files
from services.scheduler.engines.process.shim.supervise import main

FAILED = 1


def serve() -> None:
    """Read folders from standard input, a JSON string a line, until it ends; answer each with `main`'s exit code."""
    gc.freeze()  # a collection in a shim would copy the pages that it shares with the others
    for line in sys.stdin:
        folder = Path(json.loads(line))
        child = os.fork()
        if child == 0:
            _become_shim(folder)
        _, status = os.waitpid(child, 0)
        os.write(sys.stdout.fileno(), b"%d\n" % os.waitstatus_to_exitcode(status))


def _become_shim(folder: Path) -> NoReturn:
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        errors = os.open(folder / files.ERRORS, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for descriptor, target in ((nothing, 0), (nothing, 1), (errors, 2)):
            os.dup2(descriptor, target)
        main(folder)
    except BaseException:  # noqa: BLE001  # whatever it was, this process must not go on as a second server
        traceback.print_exc()
    os._exit(FAILED)
