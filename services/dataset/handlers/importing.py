"""The import itself, as the worker runs it: read, check every sample, store, then show the new version at once.

Nothing is visible before the last transaction, which also ends the job: an import that is killed begins anew with the
next claim, and its content lands on the same addresses.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from services.dataset.domain import ClassCount, Dataset, Placed, TestSetMode, VersionRecord, class_counts
from services.dataset.handlers.checking import Source, check_samples, read_layout, sample_files
from services.dataset.handlers.progress import Progress
from services.dataset.ports import Format, ImportJob, ImportOrder, Layout, Ports, StoredFile
from services.kernel.archives import open_archive
from services.kernel.errors import NotFound
from services.kernel.problems import Problem, Problems, Refused
from services.kernel.values import BundleRef


class ImportCancelled(Exception):
    """Another worker has the job now."""


class _Failed(Exception):
    def __init__(self, problems: Problems) -> None:
        super().__init__(f"{problems.count} problems")
        self.problems = problems


@dataclass(frozen=True)
class _Result:
    bundle: BundleRef
    classes: tuple[ClassCount, ...]


def run_import(job: ImportJob, ports: Ports, cancelled: Callable[[], bool]) -> Dataset:
    """Import what the job says and store the outcome, success or failure, together with the end of the job.

    The uploads go in either case: an archive with problems has to be mended and uploaded again.
    Raises ImportCancelled or Conflict when another worker has the job, Unavailable when a server is away.
    """
    order = ports.jobs.order(job)
    dataset = ports.datasets.get(order.dataset_id)
    if not dataset.imports(job.id):
        ports.jobs.finish(job)
        return dataset

    def stop_if_cancelled() -> None:
        if cancelled():
            raise ImportCancelled(job.id)

    progress = Progress(lambda now: ports.datasets.note_progress(dataset.id, job.id, now), stop_if_cancelled)
    try:
        with ports.workspace.scratch() as folder:
            result = _Import(dataset, order, _format_of(dataset, ports), ports, folder, progress).run()
    except _Failed as failure:
        ended = fail_import(job, failure.problems, ports)
    else:
        ended = ports.transaction(lambda: _complete(job, dataset.id, result, ports))
    for upload_id in filter(None, (order.upload_id, order.test_upload_id)):
        ports.uploads.delete(upload_id)
    return ended


def fail_import(job: ImportJob, problems: Problems, ports: Ports) -> Dataset:
    """Store why the import failed, and end its job."""

    def store() -> Dataset:
        dataset = ports.datasets.get(job.subject)
        if dataset.imports(job.id):
            dataset.fail_import(problems)
            ports.datasets.save(dataset)
        ports.jobs.fail(job, f"{problems.count} problems")
        return dataset

    return ports.transaction(store)


def give_up_import(job: ImportJob, attempts: int, ports: Ports) -> Dataset:
    """End an import whose workers died too often."""
    problems = Problems()
    message = f"The import was interrupted {attempts} times, so it was given up"
    problems.add(Problem(message, "an archive that can be imported with the memory there is", "IMPORT_INTERRUPTED"))
    return fail_import(job, problems, ports)


def _complete(job: ImportJob, dataset_id: str, result: _Result, ports: Ports) -> Dataset:
    dataset = ports.datasets.get(dataset_id)
    if dataset.imports(job.id):
        version = dataset.complete_import(result.bundle, result.classes)
        ports.versions.add(
            VersionRecord(
                id=VersionRecord.key(dataset.id, version.number),
                project=dataset.project,
                owner=dataset.owner,
                visibility=dataset.visibility,
                dataset=dataset.id,
                content=version,
            )
        )
        ports.datasets.save(dataset)
    ports.jobs.finish(job)
    return dataset


@dataclass(frozen=True)
class _Import:
    """One import that runs, in its scratch folder."""

    dataset: Dataset
    order: ImportOrder
    format: Format
    ports: Ports
    folder: Path
    progress: Progress

    @property
    def independent(self) -> bool:
        return self.dataset.test_set_mode is TestSetMode.INDEPENDENT

    def run(self) -> _Result:
        problems = Problems()
        try:
            sources = self._sources()
            layouts = [read_layout(source) for source in sources]
        except Refused as refused:
            problems.add(refused.problem)
            raise _Failed(problems) from refused
        for layout in layouts:
            problems.merge(layout.problems)
        _judge_classes(layouts, problems)
        total = sum(len(layout.placed) for layout in layouts)
        self.progress.begin("checking", total)
        for source, layout in zip(sources, layouts, strict=True):
            check_samples(source, layout, problems, self.progress)
        if problems:
            raise _Failed(problems)
        self.progress.begin("storing", total)
        bundle = self.ports.bundles.write(self._files(sources, layouts))
        train, test = layouts[0].placed, layouts[1].placed if self.independent else {}
        return _Result(bundle, class_counts(train.values(), test.values()))

    def _sources(self) -> list[Source]:
        if not self.independent:
            return [self._source(self.order.upload_id, "train", "samples")]
        return [
            self._source(self.order.upload_id, "train", "train"),
            self._source(self.order.test_upload_id, "test", "test"),
        ]

    def _source(self, upload_id: str, split: str, prefix: str) -> Source:
        """The upload as a local archive."""
        path = self.folder / split
        try:
            upload = self.ports.uploads.find(upload_id)
            self.progress.begin("reading", 0)
            self.ports.uploads.spool(upload_id, path, self.progress.bytes)
        except NotFound as error:
            raise Refused(Problem(error.message, "upload the archive again", "UPLOAD_GONE")) from error
        return Source(open_archive(path, upload.filename), self.format, self.dataset.kind, split, prefix)

    def _files(self, sources: list[Source], layouts: list[Layout]) -> Iterator[StoredFile]:
        for source, layout in zip(sources, layouts, strict=True):
            yield from sample_files(source, layout, self.progress)


def _format_of(dataset: Dataset, ports: Ports) -> Format:
    found = ports.formats.find(dataset.format)
    assert found is not None  # checked when the import was asked for
    return found


def _judge_classes(layouts: list[Layout], problems: Problems) -> None:
    """What must hold for the classes: two of them, enough samples, no test class that is not trained."""
    train = layouts[0]
    least, why = (1, "can be trained") if len(layouts) == 2 else (2, "one can be tested")
    if len(train.classes) < 2:
        names = ", ".join(f"`{name}`" for name in train.classes) or "none"
        expected = "a folder for each of at least 2 classes"
        problems.add(Problem(f"The archive has fewer than 2 classes: {names}", expected, "TOO_FEW_CLASSES"))
    for name, count in _sizes(train.classes, train.placed).items():
        if count < least:
            told = f"class `{name}` has {count} sample{'' if count == 1 else 's'}, at least {least}"
            message = f"{told} {'are' if least > 1 else 'is'} needed so that {why}"
            problems.add(Problem(message, f"at least {least} in the folder `{name}`", "CLASS_TOO_SMALL", f"{name}/"))
    for name in sorted(set(layouts[1].classes) - set(train.classes)) if len(layouts) == 2 else ():
        message = f"class `{name}` of the test archive is not in the training archive"
        problems.add(Problem(message, f"one of {', '.join(train.classes[:20])}", "CLASS_UNKNOWN", f"{name}/"))


def _sizes(classes: list[str], placed: dict[str, Placed]) -> dict[str, int]:
    sizes = dict.fromkeys(classes, 0)
    for sample in placed.values():
        sizes[sample.class_name] += 1
    return sizes
