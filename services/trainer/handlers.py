"""The use cases of training, one function each."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from services.kernel.context import current_traceparent
from services.kernel.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from services.kernel.ids import new_id
from services.kernel.rights import require_may_give
from services.kernel.values import BundleRef
from services.trainer import parameters
from services.trainer.domain import (
    ACTIVE,
    COMPLETED,
    Model,
    ModelVersion,
    Provenance,
    Run,
    RunPhase,
    Scores,
    Task,
    TaskState,
    with_defaults,
)
from services.trainer.ports import (
    AlgorithmFacts,
    Algorithms,
    DatasetFacts,
    Datasets,
    Models,
    ModelVersions,
    Outputs,
    Runs,
    Tasks,
    TrainingData,
    TrainingJob,
)


class OutputInvalid(FailedPrecondition):
    """A run ended well but did not leave what the contract asks for."""

    reason = "OUTPUT_INVALID"


@dataclass(frozen=True)
class Library:
    """The model library: models and their versions."""

    models: Models
    versions: ModelVersions


def check_fit(task: Task, dataset: DatasetFacts, algorithm: AlgorithmFacts) -> None:
    """The algorithm takes this data set, both are online, and the split fits the data set's test-set mode."""
    for field, kind, facts in (("dataset_id", "data set", dataset), ("algorithm_id", "algorithm", algorithm)):
        if not facts.online:
            raise FailedPrecondition(f"task.{field}: the {kind} {facts.id} is offline; bring it online first.")
    if algorithm.purpose != dataset.purpose:
        raise InvalidArgument.field(
            "task.dataset_id",
            f"the algorithm {algorithm.name} is for {algorithm.purpose.level1}/{algorithm.purpose.level2}, "
            f"the data set for {dataset.purpose.level1}/{dataset.purpose.level2}",
        )
    if dataset.format not in algorithm.data_formats:
        formats = ", ".join(algorithm.data_formats)
        raise InvalidArgument.field(
            "task.dataset_id", f"its format is {dataset.format}; {algorithm.name} takes {formats}"
        )
    if dataset.independent_test_set and task.train_share:
        raise InvalidArgument.field("task.train_share", "0 was expected: the data set has a test set of its own")
    if not dataset.independent_test_set and not task.train_share:
        raise InvalidArgument.field("task.train_share", "a share between 0 and 1 was expected, for example 0.9")


def create_task(
    task: Task, *, start: bool, tasks: Tasks, runs: Runs, datasets: Datasets, algorithms: Algorithms
) -> Task:
    """Save a task whose data set and algorithm fit; with `start` begin its first run."""
    complete_task(task, datasets, algorithms)
    task.happened("created")
    if start:
        _begin_run(task, runs)
    tasks.add(task)
    return task


def complete_task(task: Task, datasets: Datasets, algorithms: Algorithms) -> None:
    """Check a new or edited task and fill in what was left out."""
    require_may_give(task.visibility)
    dataset, algorithm = datasets.facts(task.dataset_id), algorithms.facts(task.algorithm_id)
    check_fit(task, dataset, algorithm)
    task.purpose = algorithm.purpose
    task.dataset_version = task.dataset_version or dataset.version
    task.parameters = parameters.complete(algorithm.parameters_schema, task.parameters)
    if expected := task.resources.expected():
        raise InvalidArgument.field("resources", expected)
    task.resources = with_defaults(task.resources)


def update_task(task: Task, *, tasks: Tasks, datasets: Datasets, algorithms: Algorithms) -> Task:
    task.require_editable()
    complete_task(task, datasets, algorithms)
    task.happened("updated")
    tasks.save(task)
    return task


def delete_task(task: Task, *, tasks: Tasks) -> None:
    task.require_deletable()
    task.happened("deleted")
    tasks.delete(task)


def start_task(task: Task, *, tasks: Tasks, runs: Runs, datasets: Datasets, algorithms: Algorithms) -> Task:
    """Begin a run from 0 %."""
    check_fit(task, datasets.facts(task.dataset_id), algorithms.facts(task.algorithm_id))
    _begin_run(task, runs)
    tasks.save(task)
    return task


def _begin_run(task: Task, runs: Runs) -> None:
    task.submit()
    run = Run(id=task.run_id, project=task.project, owner=task.owner, task_id=task.id, number=task.run_number)
    run.traceparent = current_traceparent()
    runs.add(run)


def stop_task(task: Task, *, tasks: Tasks, runs: Runs) -> Task:
    """The task is stopped at once; the reconciler ends the workload behind it."""
    task.stop()
    run = runs.get(task.run_id)
    run.cancel()
    runs.save(run)
    tasks.save(task)
    return task


def prepare_run(
    run: Run,
    task: Task,
    *,
    prepare_data: Callable[[str, int, float, int], TrainingData],
    algorithm_facts: Callable[[str], AlgorithmFacts],
) -> TrainingJob:
    """Fix the split and note in the run what it is made of; the job to submit. Safe to repeat.

    The two are `Datasets.prepare` and `Algorithms.facts`, or remember what those have said.

    The run has to be saved before the job is submitted: the workload may be over before its id is known here.
    """
    algorithm = algorithm_facts(task.algorithm_id)
    data = prepare_data(task.dataset_id, task.dataset_version, task.train_share, task.seed)
    run.manifest, run.dataset_version, run.classes = data.manifest, data.version, list(data.classes)
    run.algorithm_name, run.code_hash = algorithm.name, algorithm.code_hash
    run.major_version = algorithm.major_version
    return TrainingJob(
        run_id=run.id,
        name=task.name,
        owner=task.owner,
        project=task.project,
        command=algorithm.command,
        env={**parameters.as_environment(task.parameters), **algorithm.env},
        code=algorithm.code,
        data=data,
        parameters=task.parameters,
        resources=task.resources,
        time_limit_s=task.time_limit_s,
    )


def run_submitted(run: Run, task: Task | None, workload_id: str) -> bool:
    """Whether the task changed."""
    run.submitted(workload_id)
    if task is None or task.run_id != run.id or task.workload_id == workload_id:
        return False
    task.workload_id = workload_id
    return True


def workload_started(run: Run, task: Task) -> bool:
    """Whether the task changed."""
    if task.run_id != run.id or task.state is not TaskState.WAITING:
        return False
    task.start()
    return True


def workload_lost(run: Run, task: Task) -> bool:
    """Whether the task changed."""
    if task.run_id != run.id or task.state is not TaskState.TRAINING:
        return False
    task.wait_again()
    return True


@dataclass(frozen=True)
class Verdict:
    """What an ended run comes to: the scores, or a stable reason and what was expected."""

    scores: Scores | None = None
    reason: str = ""
    message: str = ""


def judge_run(run: Run, outputs: Outputs) -> Verdict:
    """Look at what the run left. Reads the object store, so it stays outside of the transaction that closes the run."""
    if run.exit is None:
        return Verdict(reason="CANCELLED", message="It was cancelled before it began.")
    if run.exit.reason != COMPLETED:
        return Verdict(reason=run.exit.reason.upper(), message=run.exit.message)
    try:
        scores = outputs.scores(run.exit.outputs)
        outputs.model(run.exit.outputs)
    except OutputInvalid as error:
        return Verdict(reason=error.reason, message=error.message)
    return Verdict(scores)


def close_run(run: Run, task: Task | None, verdict: Verdict) -> bool:
    """End the task of a run unless it was stopped or started anew meanwhile; whether the task changed."""
    result, ended = run.exit, task is not None and task.run_id == run.id and task.state in ACTIVE
    run.close()
    if task is None or not ended:
        return False
    if verdict.scores is None:
        task.fail(verdict.reason, verdict.message)
        return True
    if task.state is TaskState.WAITING:
        task.start()
    task.finish(verdict.scores, result.outputs if result else BundleRef())
    return True


def publish_task(
    task: Task, name: str, *, tasks: Tasks, runs: Runs, library: Library, outputs: Outputs
) -> ModelVersion:
    """Publish the model of a finished task under `name`, once."""
    run = runs.get(task.run_id)
    if task.state is not TaskState.FINISHED or task.scores is None or run.phase is not RunPhase.CLOSED:
        task.publish("")  # raises with the reason
        raise NotFound(f"{task.id} has no run that can be published.")
    trained = outputs.model(task.outputs)
    found = library.models.find_one(owner=task.owner, name=name)
    model = found or Model(
        id=new_id("model"),
        project=task.project,
        owner=task.owner,
        visibility=task.visibility,
        name=name,
        purpose=task.purpose,
    )
    if found and found.purpose != task.purpose:
        raise AlreadyExists(f"A model named {name} with another purpose exists; choose another name.")
    version = ModelVersion(
        id=new_id("mv"),
        project=task.project,
        owner=task.owner,
        visibility=model.visibility,
        model_id=model.id,
        model_name=name,
        number=model.next_number(run.major_version),
        framework=trained.framework,
        bundle=trained.bundle,
        labels=trained.labels,
        interface=trained.interface,
        scores=replace(task.scores),
        provenance=_provenance(task, run),
    )
    library.versions.add(version)
    model.published(version.number, version.id)
    (library.models.save if found else library.models.add)(model)
    task.publish(version.id)
    tasks.save(task)
    return version


def _provenance(task: Task, run: Run) -> Provenance:
    return Provenance(
        task_id=task.id,
        run_number=run.number,
        algorithm_id=task.algorithm_id,
        algorithm_name=run.algorithm_name,
        code_hash=run.code_hash,
        dataset_id=task.dataset_id,
        dataset_version=run.dataset_version,
        manifest=run.manifest,
        parameters=task.parameters,
        seed=task.seed,
    )
