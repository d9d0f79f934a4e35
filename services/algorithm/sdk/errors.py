"""Errors of a run. Each message says what was found and what was expected."""

EXIT_CONTRACT = 2
"""Exit code of a run whose parameters, data or model break the contract."""

EXIT_STOPPED = 143
"""Exit code of a run that was asked to stop (128 + SIGTERM) and saved its checkpoint."""


class ContractError(Exception):
    """Something the person who started the run can put right; ends it with exit code 2."""


class ParameterError(ContractError):
    """Parameters that do not fit the algorithm's parameter schema.

    `problems` holds one message for each parameter at fault.
    """

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


class DatasetError(ContractError):
    """A data set that cannot be trained on as it is."""


class SampleError(DatasetError):
    """One sample that cannot be read; the others may still be usable."""


class ModelError(ContractError):
    """A model that cannot be stored, or whose exported form disagrees with the trained one."""


class Stopped(Exception):
    """The run was asked to stop; raised after its checkpoint is safe."""
