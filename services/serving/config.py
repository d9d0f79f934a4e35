"""Settings of serving, read from the environment once."""

import os
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field

from services.kernel.config import KernelSettings
from services.serving.naming import Layout

MIB = 1024 * 1024


def _machine_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


class ServingSettings(KernelSettings):
    """Every field is the environment variable `MODELYARD_<FIELD>`. CPU in thousandths of a core, memory in bytes."""

    triton_grpc: str = "127.0.0.1:18026"
    triton_http: str = "127.0.0.1:18025"
    triton_repository: Path
    triton_entries: Literal["whole", "ensemble"] = "whole"
    triton_node: str = Field(default="triton", min_length=1, max_length=80)
    triton_cpu_millis: int = Field(default=0, ge=0)
    triton_memory_bytes: int = Field(default=0, ge=0)
    instance_cpu_millis: int = Field(default=200, ge=1)
    instance_memory_bytes: int = Field(default=256 * MIB, ge=MIB)

    @property
    def layout(self) -> Layout:
        """How entries are written; see `Layout`. Running services keep theirs until they are loaded anew."""
        return Layout[self.triton_entries.upper()]

    @property
    def capacity_cpu_millis(self) -> int:
        """What Triton's node offers; 0 in the environment means all cores of this machine."""
        return self.triton_cpu_millis or 1000 * (os.cpu_count() or 1)

    @property
    def capacity_memory_bytes(self) -> int:
        """0 in the environment means half of this machine's memory."""
        return self.triton_memory_bytes or _machine_memory() // 2


@lru_cache
def serving_settings() -> ServingSettings:
    return ServingSettings()  # type: ignore[call-arg]  # the fields come from the environment
