"""Settings of the scheduler and its agent."""

from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.kernel.config import KernelSettings


class SchedulerSettings(KernelSettings):
    """Fields beyond the kernel's are the agent's; 0 or empty means: find out.

    `agent_cgroup` names control groups given to the agent, separated by `:`; below them it makes one for each
    workload. `agent_keep` leaves processes running when the agent stops. `agent_sandbox` is `auto` (used
    where bubblewrap is installed) or `off`, for machines where bubblewrap is installed but can never work.
    `agent_engine` `simulated` takes workloads of the engine `process` and only pretends to run them.
    """

    model_config = SettingsConfigDict(env_prefix="MODELYARD_", frozen=True, extra="ignore")

    agent_home: Path = Path(".modelyard/agent")
    agent_engine: Literal["process", "simulated"] = "process"
    agent_name: str = ""
    agent_cpu_millis: int = Field(default=0, ge=0)
    agent_memory_bytes: int = Field(default=0, ge=0)
    agent_gpu_millis: int = Field(default=0, ge=0)
    agent_gpu_memory_bytes: int = Field(default=0, ge=0)
    agent_keep: bool = False
    agent_cgroup: str = ""
    agent_sandbox: Literal["auto", "off"] = "auto"
    runtime_python: str = ""


@lru_cache
def settings() -> SchedulerSettings:
    return SchedulerSettings()  # type: ignore[call-arg]  # the fields come from the environment
