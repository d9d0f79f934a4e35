"""Entry point: `python -I -S run.py`; isolated, so that nothing but the standard library is loaded."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[5]))

from services.scheduler.engines.process.shim.forkserver import serve  # needs the path above

if __name__ == "__main__":
    serve()
