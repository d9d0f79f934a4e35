"""What a training run reads: the files, and a manifest that holds classes and split."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from services.dataset.domain import Dataset, DatasetVersion, Splitter, TestSetMode, VersionRecord
from services.dataset.handlers.lifecycle import get_dataset
from services.dataset.ports import Ports
from services.kernel.errors import FailedPrecondition
from services.kernel.values import BundleRef

MANIFEST_FORMAT = "modelyard/1"


@dataclass(frozen=True)
class PrepareTrainingData:
    """`version` 0 is the current one; `train_share` is 0 for data sets with test samples of their own."""

    id: str
    version: int = 0
    train_share: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class TrainingData:
    """`manifest` is the SHA-256 of `manifest.json` in the blob store."""

    bundle: BundleRef
    manifest: str
    version: int
    train_samples: int
    test_samples: int
    kind: str
    classes: list[str]


def prepare_training_data(query: PrepareTrainingData, ports: Ports) -> TrainingData:
    """Fix the split. The same query gives the same manifest, byte for byte."""
    dataset = get_dataset(query.id, ports)
    version = _version(dataset, query.version, ports)
    dataset.check_share(query.train_share)
    with ExitStack() as stack:
        path = stack.enter_context(ports.workspace.scratch()) / "manifest.json"
        counts = _write_manifest(path, dataset, version, query, ports)
        manifest = ports.bundles.put_file(path)
    return TrainingData(
        bundle=version.bundle,
        manifest=manifest,
        version=version.number,
        train_samples=counts["train"],
        test_samples=counts["test"],
        kind=dataset.kind,
        classes=[count.name for count in version.classes],
    )


def _version(dataset: Dataset, number: int, ports: Ports) -> DatasetVersion:
    current = dataset.version_in_use()
    if number in (0, current.number):
        return current
    return ports.versions.get(VersionRecord.key(dataset.id, number)).content


def _write_manifest(
    path: Path, dataset: Dataset, version: DatasetVersion, query: PrepareTrainingData, ports: Ports
) -> dict[str, int]:
    """One sample after the other: a million of them must not stand in memory. Gives the samples of each split."""
    head = {
        "format": MANIFEST_FORMAT,
        "kind": dataset.kind,
        "version": f"{dataset.id}@{version.number}",
        "classes": [count.name for count in version.classes],
    }
    split_of = _splits(dataset, version, query)
    counts = {"train": 0, "test": 0}
    separator = ""
    with path.open("w", encoding="utf-8") as file:
        file.write(json.dumps(head, ensure_ascii=False)[:-1] + ', "samples": [\n')
        for sample in ports.bundles.samples(version.bundle):
            split = split_of(sample.class_name, sample.split)
            counts[split] += 1
            entry = {"path": sample.path, "class": sample.class_name, "split": split}
            file.write(separator + json.dumps(entry, ensure_ascii=False))
            separator = ",\n"
        file.write("\n]}\n")
    return counts


def _splits(dataset: Dataset, version: DatasetVersion, query: PrepareTrainingData) -> Callable[[str, str], str]:
    """A function from class and stored split to the split of this run."""
    if dataset.test_set_mode is TestSetMode.INDEPENDENT:
        return lambda _class_name, stored: stored
    counts = {count.name: count.train for count in version.classes}
    if any(count < 2 for count in counts.values()):
        raise FailedPrecondition(f"{dataset.name} has a class with one sample, which cannot be split.")
    splitter = Splitter(counts, query.train_share, query.seed)
    return lambda class_name, _stored: splitter.split_of_next(class_name)
