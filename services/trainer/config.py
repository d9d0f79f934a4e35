"""Settings of the trainer beyond those of every process."""

from functools import lru_cache

from services.kernel.config import KernelSettings


class TrainerSettings(KernelSettings):
    """`poll_s`: how often live progress is read for a watching client, in seconds."""

    poll_s: float = 0.5


@lru_cache
def settings() -> TrainerSettings:
    return TrainerSettings()  # type: ignore[call-arg]  # the fields come from the environment
