"""Compile the allocation, and remove the machine code of sources that have changed since."""

import shutil

from services.scheduler.core.compiled import KEPT, fingerprint
from services.scheduler.core.preparation import compile_all

if __name__ == "__main__":
    compile_all()
    for folder in KEPT.glob("compiled-*"):
        if folder.name != f"compiled-{fingerprint()}":
            shutil.rmtree(folder, ignore_errors=True)
