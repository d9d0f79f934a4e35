"""The run: everything that a training script gets from the platform and gives back to it."""

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import Path

from .algorithm import Algorithm
from .checkpoint import Checkpoint
from .dataset import Dataset
from .errors import EXIT_CONTRACT, EXIT_STOPPED, ContractError, ParameterError, Stopped
from .jsontypes import Json, JsonObject
from .metrics import Metrics
from .model import Model, write_model
from .parameters import Parameters, from_plain_variables, resolve
from .progress import Progress
from .report import Report
from .version import __version__


class Run:
    """One training run as the environment describes it.

    `params` are validated and complete, `output` is the folder for results, `rank` and `world_size` are torchrun's,
    `trace_id` is the trace of whoever started the run, 32 hexadecimal digits, or empty off the platform.
    Only rank 0 writes metrics and checkpoints. After SIGTERM `stopping` is true: save a checkpoint and call
    `stop()`.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.rank = _number(environment, "RANK", 0)
        self.world_size = _number(environment, "WORLD_SIZE", 1)
        self.local_rank = _number(environment, "LOCAL_RANK", 0)
        self.algorithm = Algorithm.find(environment)
        self.params = Parameters(_parameters(self.algorithm, environment))
        self.output = Path(environment.get("MODELYARD_OUTPUT") or "output")
        self.output.mkdir(parents=True, exist_ok=True)
        self.metrics = Metrics(self._own_path("MODELYARD_METRICS"))
        self.checkpoint = Checkpoint(self._own_path("MODELYARD_CHECKPOINT"))
        self._progress = Progress(self.metrics)
        self.trace_id = _trace_id(environment.get("TRACEPARENT", ""))
        if self.trace_id:
            self.metrics.event("trace", "traceparent", environment["TRACEPARENT"])
        self._stopping = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Run":
        """Build the run from the variables MODELYARD_*, RANK, WORLD_SIZE and LOCAL_RANK.

        Raises ParameterError or ContractError when they do not fit.
        """
        return cls(os.environ if environment is None else environment)

    @cached_property
    def dataset(self) -> Dataset:
        """The data set; read at the first access, raises DatasetError when it breaks the standard."""
        folder = self._environment.get("MODELYARD_DATASET")
        if not folder:
            raise ContractError("MODELYARD_DATASET: not set, expected the folder of a data set")
        return Dataset.open(Path(folder))

    @property
    def stopping(self) -> bool:
        """Whether the run was asked to stop."""
        return self._stopping

    def watch_signals(self) -> None:
        """Let SIGTERM and SIGINT set `stopping` instead of ending the process."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: setattr(self, "_stopping", True))

    def stop(self) -> None:
        """End the run as stopped (exit code 143); call it when the checkpoint is safe."""
        raise Stopped

    def require_single_worker(self) -> None:
        """Refuse a run of several workers, for algorithms that cannot share their work."""
        if self.world_size != 1:
            raise ContractError(f"WORLD_SIZE: this algorithm trains with one worker, got {self.world_size}")

    def plan(self, **weights: float) -> None:
        """Name the phases in order with their expected shares of the time, so that one bar covers all."""
        self._progress.plan(**weights)

    def progress(self, done: float, total: float, phase: str) -> None:
        """Report `done` of `total` units of `phase`; a new name starts the next phase."""
        self._progress.update(done, total, phase)

    def save_report(self, report: Report) -> None:
        """Write `report.json` and log accuracy, precision, recall and F1."""
        report.write(self.output)
        self.metrics.log(0, **{f"test_{name}": value for name, value in report.overall().items()})

    def model_folder(self) -> Path:
        """Return the folder for the weights, `model/` in the output; made when absent."""
        folder = self.output / "model"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def save_model(self, weights: Path, model: Model) -> None:
        """Describe `weights`, a file in `model_folder()`, by `model.yaml`; fills in interface and provenance."""
        write_model(
            self.model_folder(), weights, model, interface=self.algorithm.interface, provenance=self.provenance()
        )

    def provenance(self) -> JsonObject:
        """Where the model comes from: data set version, code hash, parameters, seed, SDK version, time in UTC."""
        values = self.params.as_dict()
        return {
            "algorithm": self.algorithm.name,
            "algorithm_version": self.algorithm.version,
            "dataset_version": self.dataset.version,
            "dataset_digest": self.dataset.digest,
            "code_hash": self.algorithm.code_hash(),
            "parameters": values,
            "seed": values.get("seed"),
            "sdk_version": __version__,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        }

    def finish(self) -> None:
        """End the last phase and fill the bar; `main` calls it after the training function returned."""
        self._progress.complete()

    def _own_path(self, variable: str) -> Path | None:
        value = self._environment.get(variable)
        return Path(value) if value and self.rank == 0 else None


@lru_cache(maxsize=1)
def current() -> Run:
    """Return this process's run, built from the environment at the first call."""
    return Run.from_environment()


def main(train: Callable[[Run], None]) -> None:
    """Run `train` and end the process.

    Exit codes: 0 done, 2 parameters, data or model break the contract (one line on stderr says how), 143 stopped
    after SIGTERM, 1 anything else, with its traceback.
    """
    try:
        run = current()
        run.watch_signals()
        if run.trace_id and run.rank == 0:
            sys.stdout.write(
                f"trace_id={run.trace_id} algorithm={run.algorithm.name} version={run.algorithm.version}\n"
            )
        train(run)
        run.finish()
    except ParameterError as error:
        _fail(error.problems)
    except ContractError as error:
        _fail([str(error)])
    except Stopped:
        sys.stdout.flush()
        sys.exit(EXIT_STOPPED)
    except MemoryError:
        traceback.print_exc()
        _fail(["out of memory: use a smaller batch_size or img_size, or a larger compute profile"])


def _fail(problems: list[str]) -> None:
    sys.stdout.flush()
    for problem in problems:
        sys.stderr.write(f"error: {problem}\n")
    sys.exit(EXIT_CONTRACT)


def _trace_id(traceparent: str) -> str:
    """The trace id of a W3C traceparent, or an empty string."""
    parts = traceparent.split("-")
    return parts[1] if len(parts) == 4 and len(parts[1]) == 32 and parts[1].isalnum() else ""


def _number(environment: Mapping[str, str], variable: str, default: int) -> int:
    text = environment.get(variable) or str(default)
    if not text.isdigit():
        raise ContractError(f"{variable}: expected a number from 0, got '{text}'")
    return int(text)


def _parameters(algorithm: Algorithm, environment: Mapping[str, str]) -> JsonObject:
    schema, source = algorithm.parameter_schema, environment.get("MODELYARD_PARAMS")
    given: JsonObject = _given(source) if source else from_plain_variables(schema or {}, environment)
    return given if schema is None else resolve(schema, given)


def _given(source: str) -> JsonObject:
    """Read MODELYARD_PARAMS: the path of a JSON file, or, by hand, the JSON object itself."""
    try:
        inline = source.lstrip().startswith("{")
        given: Json = json.loads(source if inline else Path(source).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ContractError(f"MODELYARD_PARAMS: expected the path of a JSON file ({error})") from error
    if not isinstance(given, dict):
        raise ContractError(f"MODELYARD_PARAMS: expected a JSON object, got {json.dumps(given)[:80]}")
    return given
