"""Runs an algorithm by hand, without the platform: `python -m modelyard_sdk.run FOLDER --dataset DIR --output DIR`.

Builds the environment that the platform gives, starts the training command of `algorithm.yaml` and prints the report.
"""

import argparse
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .algorithm import Algorithm, sdk_search_path
from .errors import EXIT_CONTRACT, ContractError, ParameterError
from .files import write_json
from .jsontypes import Json, JsonObject, as_list, as_object, as_text
from .local import dataset_from_folder
from .parameters import parse_text, plain_variables, resolve


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code of the algorithm, or 2 with a message when it cannot be started."""
    options = _parser().parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="modelyard-run-") as scratch:
            return _run(options, Path(scratch))
    except ParameterError as error:
        problems = error.problems
    except ContractError as error:
        problems = [str(error)]
    for problem in problems:
        sys.stderr.write(f"error: {problem}\n")
    return EXIT_CONTRACT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="modelyard_sdk.run", description="Train by hand, without the platform.")
    parser.add_argument("folder", type=Path, help="folder of the algorithm, with algorithm.yaml")
    parser.add_argument("--dataset", type=Path, required=True, help="data set, or a folder of class folders")
    parser.add_argument("--output", type=Path, required=True, help="folder for model/, report.json and samples/")
    parser.add_argument("--param", action="append", default=[], metavar="NAME=VALUE", help="a parameter; repeatable")
    parser.add_argument("--checkpoint", type=Path, help="resume from here and save here (default: OUTPUT/checkpoint)")
    parser.add_argument("--split", type=float, default=0.9, help="share for training of a plain folder (default 0.9)")
    parser.add_argument("--seed", type=int, default=0, help="seed of that split (default 0)")
    return parser


def _run(options: argparse.Namespace, scratch: Path) -> int:
    algorithm = Algorithm.read(options.folder)
    output = options.output.resolve()
    parameters = _parameters(algorithm, options.param)
    environment = {
        **os.environ,
        **{name: str(value) for name, value in as_object(algorithm.training.get("env")).items()},
        **plain_variables(parameters),
        "MODELYARD_ALGORITHM": str(options.folder.resolve()),
        "MODELYARD_DATASET": str(
            dataset_from_folder(options.dataset.resolve(), output / "dataset", share=options.split, seed=options.seed)
        ),
        "MODELYARD_PARAMS": str(output / "params.json"),
        "MODELYARD_OUTPUT": str(output),
        "MODELYARD_METRICS": str(output / "metrics.jsonl"),
        "MODELYARD_CHECKPOINT": str((options.checkpoint or output / "checkpoint").resolve()),
        "PYTHONPATH": os.pathsep.join(filter(None, [sdk_search_path(scratch), os.environ.get("PYTHONPATH")])),
        "PYTHONUNBUFFERED": "1",
    }
    write_json(output / "params.json", parameters)
    code = _start(_command(algorithm), options.folder.resolve(), environment)
    if code == 0:
        _summarise(output)
    return code


def _parameters(algorithm: Algorithm, given: list[str]) -> JsonObject:
    schema = algorithm.parameter_schema or {}
    values: JsonObject = {}
    for entry in given:
        name, separator, text = entry.partition("=")
        if not separator:
            raise ContractError(f"--param {entry}: expected NAME=VALUE")
        values[name] = parse_text(schema, name, text)
    return resolve(schema, values) if algorithm.parameter_schema is not None else values


def _command(algorithm: Algorithm) -> list[str]:
    command = shlex.split(as_text(algorithm.training.get("command")))
    if not command:
        raise ContractError("algorithm.yaml: training.command: missing, expected for example 'python train.py'")
    if command[0] in {"python", "python3"}:
        command[0] = sys.executable
    return command + [str(argument) for argument in as_list(algorithm.training.get("args"))]


def _start(command: list[str], folder: Path, environment: dict[str, str]) -> int:
    """Run the command and pass SIGTERM and SIGINT on to it; returns its exit code, 128 + n for signal n."""
    with subprocess.Popen(command, cwd=folder, env=environment) as process:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda got, _: process.send_signal(got))
        code = process.wait()
    return code if code >= 0 else 128 - code


def _summarise(output: Path) -> None:
    path = output / "report.json"
    if not path.is_file():
        return
    report: Json = json.loads(path.read_text(encoding="utf-8"))
    overall = as_object(as_object(report).get("overall"))
    counts = as_object(as_object(report).get("counts"))
    scores = "  ".join(f"{name} {value:.4f}" for name, value in overall.items() if isinstance(value, float))
    samples = "  ".join(f"{name} {value}" for name, value in counts.items())
    sys.stdout.write(f"{scores}\n{samples}\nresults in {output}\n")


if __name__ == "__main__":
    sys.exit(main())
