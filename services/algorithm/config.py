"""Settings of the algorithm service."""

import tempfile
from functools import lru_cache
from pathlib import Path

from services.kernel.config import KernelSettings


class AlgorithmSettings(KernelSettings):
    """`home` is the state folder of a single machine; without one, scratch space lies in the system's own."""

    home: Path | None = None

    @property
    def work_folder(self) -> Path:
        return (self.home or Path(tempfile.gettempdir()) / "modelyard") / "work" / "algorithm"


@lru_cache
def settings() -> AlgorithmSettings:
    return AlgorithmSettings()  # type: ignore[call-arg]  # the fields come from the environment
