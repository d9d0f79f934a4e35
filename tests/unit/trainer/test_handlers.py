"""The use cases of training, with fakes around."""

import pytest

from services.kernel.entity import Visibility
from services.kernel.errors import AlreadyExists, FailedPrecondition, InvalidArgument
from services.kernel.values import BundleRef, Purpose
from services.trainer import handlers
from services.trainer.domain import Model, ModelVersion, Run, RunExit, RunPhase, Task, TaskState
from services.trainer.handlers import Library
from tests.fakes.trainer import FakeAlgorithms, FakeDatasets, FakeOutputs, FakeRepository, FakeScheduler


class World:
    """One user's tasks with everything that they touch."""

    def __init__(self) -> None:
        self.tasks: FakeRepository[Task] = FakeRepository()
        self.runs: FakeRepository[Run] = FakeRepository()
        self.models: FakeRepository[Model] = FakeRepository()
        self.versions: FakeRepository[ModelVersion] = FakeRepository()
        self.datasets, self.algorithms = FakeDatasets(), FakeAlgorithms()
        self.scheduler, self.outputs = FakeScheduler(), FakeOutputs()

    def create(self, *, start: bool = True, **changes: object) -> Task:
        values: dict[str, object] = {"name": "t", "algorithm_id": "alg-1", "dataset_id": "ds-1", "train_share": 0.9}
        task = Task(id="task-1", owner="ann", **{**values, **changes})  # type: ignore[arg-type]
        return handlers.create_task(
            task, start=start, tasks=self.tasks, runs=self.runs, datasets=self.datasets, algorithms=self.algorithms
        )

    def submit(self, run: Run, task: Task) -> None:
        job = handlers.prepare_run(run, task, prepare_data=self.datasets.prepare, algorithm_facts=self.algorithms.facts)
        handlers.run_submitted(run, task, self.scheduler.submit(job))

    def run_to_exit(self, result: RunExit, outputs: FakeOutputs | None = None) -> Task:
        task = self.tasks.get("task-1")
        run = self.runs.get(task.run_id)
        self.submit(run, task)
        if task.state is TaskState.WAITING:
            handlers.workload_started(run, task)
        run.exited(result)
        handlers.close_run(run, task, handlers.judge_run(run, outputs or self.outputs))
        self.runs.save(run)
        self.tasks.save(task)
        return self.tasks.get("task-1")

    def publish(self, name: str = "digits") -> ModelVersion:
        return handlers.publish_task(
            self.tasks.get("task-1"),
            name,
            tasks=self.tasks,
            runs=self.runs,
            library=Library(self.models, self.versions),
            outputs=self.outputs,
        )


COMPLETED = RunExit(reason="completed", message="", outputs=BundleRef("o" * 64, 3, 30))


def test_a_task_is_completed_with_defaults() -> None:
    task = World().create(start=False)
    assert task.state is TaskState.DRAFT
    assert task.parameters == '{"epochs": 3}'
    assert task.dataset_version == 1
    assert task.resources.cpu_millis == 1000


@pytest.mark.parametrize(
    ("datasets", "algorithms", "task", "field"),
    [
        ({"online": False}, {}, {}, "dataset_id"),
        ({}, {"online": False}, {}, "algorithm_id"),
        ({"purpose": Purpose("text", "classification")}, {}, {}, "dataset_id"),
        ({"format": "json"}, {}, {}, "dataset_id"),
        ({"independent_test_set": True}, {}, {}, "train_share"),
        ({}, {}, {"train_share": 0.0}, "train_share"),
        ({}, {}, {"parameters": '{"epochs": 0}'}, "parameters.epochs"),
        ({}, {}, {"parameters": '{"epoch": 1}'}, "parameters.epoch"),
        ({}, {}, {"parameters": "[1]"}, "parameters"),
        ({}, {}, {"parameters": "{"}, "parameters"),
    ],
)
def test_what_does_not_fit_is_refused_by_field(
    datasets: dict[str, object], algorithms: dict[str, object], task: dict[str, object], field: str
) -> None:
    world = World()
    world.datasets, world.algorithms = FakeDatasets(**datasets), FakeAlgorithms(**algorithms)
    with pytest.raises((InvalidArgument, FailedPrecondition), match=f"task.{field}"):
        world.create(start=True, **task)
    assert world.tasks.events == []


def test_the_life_of_a_task() -> None:
    world = World()
    world.create()
    task = world.run_to_exit(COMPLETED)
    assert (task.state, task.progress) == (TaskState.FINISHED, 1.0)
    version = world.publish()
    assert (version.number, version.provenance.manifest) == ("3.01", "manifest-0.9-0")
    assert world.tasks.events == ["created", "submitted", "started", "finished", "published"]
    assert world.models.events == ["published"]


def test_a_task_is_published_once() -> None:
    world = World()
    world.create()
    world.run_to_exit(COMPLETED)
    world.publish()
    with pytest.raises(FailedPrecondition, match="published"):
        world.publish()


def test_versions_of_one_model_count_up() -> None:
    model = Model(id="m", name="digits")
    assert [model.next_number(3), model.next_number(3), model.next_number(4)] == ["3.01", "3.02", "4.01"]


def test_a_model_keeps_its_purpose() -> None:
    world = World()
    world.models.add(Model(id="m", owner="ann", name="digits", purpose=Purpose("text", "classification")))
    world.create()
    world.run_to_exit(COMPLETED)
    with pytest.raises(AlreadyExists, match="another purpose"):
        world.publish()


def test_a_task_cannot_be_published_before_it_is_finished() -> None:
    world = World()
    world.create()
    with pytest.raises(FailedPrecondition, match="it has to be finished"):
        world.publish()


@pytest.mark.parametrize(
    ("result", "outputs", "reason"),
    [
        (RunExit("error", "exit code 3", BundleRef()), None, "ERROR"),
        (RunExit("out_of_memory", "killed", BundleRef()), None, "OUT_OF_MEMORY"),
        (COMPLETED, FakeOutputs(problem="report.json is missing"), "OUTPUT_INVALID"),
    ],
)
def test_a_failed_run_says_why(result: RunExit, outputs: FakeOutputs | None, reason: str) -> None:
    world = World()
    world.create()
    task = world.run_to_exit(result, outputs)
    assert (task.state, task.error_reason) == (TaskState.FAILED, reason)
    assert task.error


def test_a_waiting_task_cannot_be_stopped_or_deleted() -> None:
    world = World()
    task = world.create()
    with pytest.raises(FailedPrecondition):
        handlers.stop_task(task, tasks=world.tasks, runs=world.runs)
    with pytest.raises(FailedPrecondition):
        handlers.delete_task(task, tasks=world.tasks)


def test_a_stopped_task_stays_stopped_and_starts_again_from_zero() -> None:
    world = World()
    world.create()
    task, run = world.tasks.get("task-1"), world.runs.get("task-1-1")
    handlers.workload_started(run, task)
    handlers.stop_task(task, tasks=world.tasks, runs=world.runs)
    assert world.runs.get("task-1-1").cancelled
    # the workload ends a little later; whatever it left, the task has been stopped
    assert world.run_to_exit(COMPLETED).state is TaskState.STOPPED
    again = handlers.start_task(
        world.tasks.get("task-1"),
        tasks=world.tasks,
        runs=world.runs,
        datasets=world.datasets,
        algorithms=world.algorithms,
    )
    assert (again.state, again.run_number, again.progress) == (TaskState.WAITING, 2, 0.0)


def test_an_older_run_does_not_touch_the_task() -> None:
    world = World()
    world.create()
    old_run, task = world.runs.get("task-1-1"), world.tasks.get("task-1")
    handlers.workload_started(old_run, task)
    handlers.stop_task(task, tasks=world.tasks, runs=world.runs)
    task = world.tasks.get("task-1")
    handlers.start_task(task, tasks=world.tasks, runs=world.runs, datasets=world.datasets, algorithms=world.algorithms)
    assert not handlers.workload_started(old_run, task)
    old_run.exited(RunExit("error", "killed", BundleRef()))
    assert not handlers.close_run(old_run, task, handlers.judge_run(old_run, world.outputs))
    assert task.state is TaskState.WAITING
    assert old_run.phase is RunPhase.CLOSED


def test_a_lost_node_puts_the_task_back() -> None:
    world = World()
    task = world.create()
    run = world.runs.get("task-1-1")
    assert handlers.workload_started(run, task)
    assert handlers.workload_lost(run, task)
    assert task.state is TaskState.WAITING
    assert handlers.workload_started(run, task)


def test_submitting_twice_is_one_job() -> None:
    world = World()
    task = world.create()
    for _ in range(2):
        run = world.runs.get("task-1-1")
        world.submit(run, task)
    assert list(world.scheduler.jobs) == ["task-1-1"]
    job = world.scheduler.jobs["task-1-1"]
    assert job.env == {"EPOCHS": "3"}
    assert job.owner == "ann"


def test_a_run_that_could_not_be_submitted_fails_its_task() -> None:
    world = World()
    task = world.create()
    run = world.runs.get("task-1-1")
    run.exited(RunExit("dataset_offline", "The data set is offline.", BundleRef()))
    assert handlers.close_run(run, task, handlers.judge_run(run, world.outputs))
    assert (task.state, task.error_reason, task.error) == (
        TaskState.FAILED,
        "DATASET_OFFLINE",
        "The data set is offline.",
    )
    assert run.phase is RunPhase.CLOSED


def test_a_run_whose_task_is_gone_comes_to_its_end() -> None:
    world = World()
    world.create()
    run = world.runs.get("task-1-1")
    run.exited(COMPLETED)
    assert not handlers.close_run(run, None, handlers.judge_run(run, world.outputs))
    assert run.phase is RunPhase.CLOSED


def test_a_public_task_makes_a_public_model() -> None:
    world = World()
    world.create(visibility=Visibility.PUBLIC)
    world.run_to_exit(COMPLETED)
    version = world.publish()
    assert version.visibility is Visibility.PUBLIC
    assert world.models.get(version.model_id).visibility is Visibility.PUBLIC
