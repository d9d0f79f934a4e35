"""`modelyard demo`: the whole main job, on real data, through the public API."""

import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from services.gateway import demo_data
from services.gateway.cli import datasets, output, serving, session, tasks
from services.gateway.client import ApiError, Client
from services.gateway.client.api import JsonObject

NEW_TITLES = (
    ("银行理财产品收益下降 债券基金受青睐", "finance"),
    ("高考数学试卷难度分析 专家建议考生这样复习", "education"),
    ("湖人加时险胜火箭 科比砍下四十分", "sports"),
)
DEMO_LOAD = 2
LOG_LINES_ON_FAILURE = 20
LAST_EVENTS_S = 1.0
DEMO_PATIENCE_S = 60.0


class DemoFailed(ApiError):
    """The demonstration did not reach its goal."""

    def __init__(self, message: str) -> None:
        super().__init__(200, "DEMO_FAILED", message, [])


@dataclass(frozen=True)
class Example:
    """A sample that no task has seen: the value for the interface, how it is called, and its true class."""

    value: str
    shown: str
    truth: str


@dataclass(frozen=True)
class Job:
    """One run through the platform."""

    title: str
    name: str
    kind: str
    algorithm: str
    data: Path
    test: Path | None
    examples: Sequence[Example]
    goal: float


@dataclass
class Timing:
    """How long each step took."""

    steps: list[tuple[str, float]] = field(default_factory=list)

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        output.console.print(f"▸ {name}", style="bold")
        began = time.monotonic()
        yield
        self.steps.append((name, time.monotonic() - began))


def demo(
    images: Annotated[Path | None, typer.Option(help="Your own folder of class folders with images.")] = None,
    goal: Annotated[float, typer.Option(help="Accuracy to reach with your own images.")] = 0.0,
) -> None:
    """Upload, train, evaluate, publish and serve, on real data."""
    with (
        tempfile.TemporaryDirectory(prefix="modelyard-demo-") as folder,
        session.connect(patience_s=DEMO_PATIENCE_S) as client,
        subscriber(),
    ):
        jobs = [own_images(images, Path(folder), goal)] if images else example_jobs(Path(folder))
        results = [(job, *run(client, job)) for job in jobs]
        summary(client, results)


def example_jobs(folder: Path) -> list[Job]:
    digits, unseen = folder / "digits", folder / "digits-unseen"
    demo_data.write_digits(digits, unseen)
    train, test = folder / "titles", folder / "titles-test"
    demo_data.write_titles(train, test)
    return [
        Job(
            title="Handwritten digits: 1 750 images of ten classes",
            name="digits",
            kind="image",
            algorithm="image-classification",
            data=digits,
            test=None,
            examples=image_examples(unseen),
            goal=0.95,
        ),
        Job(
            title="News titles: 10 000 + 10 000 Chinese texts of ten classes",
            name="titles",
            kind="text",
            algorithm="text-naive-bayes",
            data=train,
            test=test,
            examples=[Example(text, text, truth) for text, truth in NEW_TITLES],
            goal=0.84,
        ),
    ]


def own_images(images: Path, folder: Path, goal: float) -> Job:
    """The user's folder with one image of each class kept back for the prediction."""
    classes = sorted(path for path in images.iterdir() if path.is_dir()) if images.is_dir() else []
    if len(classes) < 2:
        raise typer.BadParameter(f"{images}: a folder with at least two class folders was expected")
    data, unseen = folder / "images", folder / "unseen"
    shutil.copytree(images, data)
    for source in classes:
        files = sorted(path for path in (data / source.name).iterdir() if path.is_file())
        if len(files) > 4:
            (unseen / source.name).mkdir(parents=True)
            files[-1].rename(unseen / source.name / files[-1].name)
    return Job(
        title=f"{images}: images of {len(classes)} classes",
        name="images",
        kind="image",
        algorithm="image-classification",
        data=data,
        test=None,
        examples=image_examples(unseen),
        goal=goal,
    )


def image_examples(folder: Path, count: int = 3) -> list[Example]:
    files = sorted(folder.glob("*/*"))
    chosen = random.Random(0).sample(files, min(count, len(files)))  # noqa: S311  # a choice of pictures, no secret
    return [Example(serving.encode_image(path), f"{path.parent.name}/{path.name}", path.parent.name) for path in chosen]


def run(client: Client, job: Job) -> tuple[JsonObject, JsonObject, Timing]:
    """The main job once: (task, service, timing)."""
    timing = Timing()
    output.console.rule(job.title)
    stamp = time.strftime("%m%d-%H%M%S")
    with timing.step("create"):
        dataset = datasets.create_dataset(client, f"{job.name}-{stamp}", job.kind, independent=job.test is not None)
    with timing.step("upload and import"):
        datasets.import_folder(client, dataset["id"], job.data, job.test)
    with timing.step("online"):
        client.post(f"{datasets.DATASETS}/{dataset['id']}:online")
    with timing.step("train"):
        task = train(client, job, dataset["id"], f"{job.name}-{stamp}")
    with timing.step("report"):
        tasks.print_report(client.get(f"{tasks.TASKS}/{task['id']}/report"))
        reached = task["scores"]["accuracy"]
        output.console.print(f"  accuracy {reached:.4f}, goal {job.goal:.2f}")
        if reached < job.goal:
            raise DemoFailed(f"{job.name}: the accuracy is {reached:.4f}, at least {job.goal} was expected.")
    with timing.step("publish"):
        version = client.post(f"{tasks.TASKS}/{task['id']}:publish", {"model_name": job.name})
        output.console.print(f"  {version['model_name']} {version['number']}")
    with timing.step(f"service on Triton with load {DEMO_LOAD}"):
        service = client.post(serving.SERVICES, {"name": f"{job.name}-{stamp}", "model_version_id": version["id"]})
        client.post(f"{serving.SERVICES}/{service['id']}:start", {"load": DEMO_LOAD})
        service = serving.wait_until_running(client, service["id"])
        output.console.print(f"  {service['address']}")
    with timing.step("predict samples never seen"):
        predict(client, service, job.examples)
    return task, service, timing


def train(client: Client, job: Job, dataset_id: str, name: str) -> JsonObject:
    body = {
        "name": name,
        "dataset_id": dataset_id,
        "algorithm_id": tasks.algorithm_id(client, job.algorithm),
        "train_share": 0 if job.test else 0.9,
    }
    task_id = client.post(tasks.TASKS, body, start=True)["id"]
    task = tasks.watch_task(client, task_id)
    if output.short_state(task["state"]) != "finished":
        lines = list(client.lines(f"{tasks.TASKS}/{task_id}/log"))[-LOG_LINES_ON_FAILURE:]
        output.errors.print("\n".join(lines))
        raise DemoFailed(f"The task {task_id} ended {output.short_state(task['state'])}: {task['error']}")
    return task


def predict(client: Client, service: JsonObject, examples: Sequence[Example]) -> None:
    name = service["interface"]["parameters"][0]["name"]
    body = {"instances": [{"inputs": {name: example.value}} for example in examples]}
    by_http = client.post(f"{serving.SERVICES}/{service['id']}:predict", body)["predictions"]
    by_grpc = predict_by_grpc(client, service["id"], name, examples)
    rows = (
        (f"  {example.shown}", example.truth, f"{http['label']} {http['confidence']:.3f}", f"{label} {confidence:.3f}")
        for example, http, (label, confidence) in zip(examples, by_http, by_grpc, strict=True)
    )
    output.table(("  SAMPLE", "TRUTH", "HTTP", "gRPC"), rows)


def predict_by_grpc(client: Client, service_id: str, name: str, examples: Sequence[Example]) -> list[tuple[str, float]]:
    import grpc

    from protos.serving.v1 import serving_pb2, serving_pb2_grpc

    request = serving_pb2.PredictRequest(
        id=service_id, instances=[serving_pb2.Instance(inputs={name: example.value}) for example in examples]
    )
    with grpc.insecure_channel(session.grpc_address(client.url)) as channel:
        stub = serving_pb2_grpc.ServingServiceStub(channel)
        answer = stub.Predict(request, metadata=(("authorization", f"Bearer {client.token}"),), timeout=60)
    return [(prediction.label, prediction.confidence) for prediction in answer.predictions]


@contextlib.contextmanager
def subscriber() -> Iterator[None]:
    """A separate process that prints the events as they come over the broker, where its address is known."""
    if "MODELYARD_AMQP_URI" not in os.environ:
        output.console.print("MODELYARD_AMQP_URI is not set: no events from the broker are shown.")
        yield
        return
    command = [sys.executable, "-W", "ignore", "-m", "services.gateway.cli.subscriber"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        process.stderr.readline()  # it listens
        try:
            yield
            time.sleep(LAST_EVENTS_S)
        finally:
            process.terminate()


def _line(text: str, style: str = "") -> None:
    output.console.print(text, style=style or None, soft_wrap=True)


def summary(client: Client, results: Sequence[tuple[Job, JsonObject, JsonObject, Timing]]) -> None:
    output.console.rule("What happened")
    for job, task, service, timing in results:
        total = sum(seconds for _, seconds in timing.steps)
        _line(f"{job.name}: accuracy {task['scores']['accuracy']:.4f}, {total:.1f} s", style="bold")
        for name, seconds in timing.steps:
            _line(f"  {seconds:6.1f} s  {name}")
        _line(f"  service {service['id']} at {client.url}{service['address']}/infer, load {DEMO_LOAD}")
    _line(f"\nConsole      {client.url}, sign in as admin")
    _line(f"HTTP API     {client.url}/api/v1, documentation {client.url}/docs")
    _line(f"gRPC         {session.grpc_address(client.url)}")
    _line("See          modelyard services list · modelyard events tail --cursor 0 (sign in with: modelyard login)")
    _line("Stop         make down")
    _line(f"Result       {json.dumps({job.name: round(task['scores']['accuracy'], 4) for job, task, _, _ in results})}")
