"""How a generated request becomes one about real things: an operation's id and what to put into its case."""

import base64
from collections.abc import Callable, MutableMapping
from typing import Any, TypeAlias, cast

import schemathesis

from services.gateway.client import Client
from services.kernel.ids import new_id
from tests.malice.world import World
from tests.support.archives import png_bytes

Case: TypeAlias = "schemathesis.Case[Any]"
Recipe = Callable[[World, Case], None]

DATASET = {
    "purpose": {"level1": "image", "level2": "classification"},
    "annotation_mode": "ANNOTATION_MODE_CLASSIFICATION",
    "format": "dir",
    "test_set_mode": "TEST_SET_MODE_RATIO",
    "visibility": "VISIBILITY_PRIVATE",
}


def on(name: str, thing: Callable[[World], object]) -> Recipe:
    """The path parameter `name` is the id of `thing`; conditions that the things do not meet are left out."""

    def prepare(world: World, case: Case) -> None:
        case.path_parameters[name] = str(thing(world))
        without(case.body, "etag")
        without(case.query, "etag", "page_token")
        without(case.headers, "If-Match")

    return prepare


def once(make: Callable[[World], object]) -> Callable[[World], object]:
    """The same thing each time, for what takes long to make."""
    made: dict[int, object] = {}

    def thing(world: World) -> object:
        if id(world) not in made:
            made[id(world)] = make(world)
        return made[id(world)]

    return thing


def then(*recipes: Recipe) -> Recipe:
    def prepare(world: World, case: Case) -> None:
        for recipe in recipes:
            recipe(world, case)

    return prepare


def without(container: object, *names: str) -> None:
    if isinstance(container, MutableMapping):
        for name in names:
            container.pop(name, None)


def with_body(make: Callable[[World], dict[str, object]], *left_out: str) -> Recipe:
    """Lay what `make` gives over the generated body, without the fields `left_out`."""

    def prepare(world: World, case: Case) -> None:
        generated = case.body if isinstance(case.body, dict) else {}
        kept = {name: value for name, value in generated.items() if name not in left_out}
        case.body = cast(Any, kept | make(world))
        case.media_type = "application/json"

    return prepare


def with_query(**values: object) -> Recipe:
    def prepare(_world: World, case: Case) -> None:
        case.query = {**(case.query or {}), **values}

    return prepare


def first_page(_world: World, case: Case) -> None:
    without(case.query, "page_token")


def signed_in_apart(world: World, case: Case) -> None:
    """A session of its own, as the request ends it."""
    with Client(world.client.url) as other:
        other.sign_in("admin", world.password)
        case.headers["Authorization"] = f"Bearer {other.token}"


def tus(world: World, case: Case) -> None:
    case.headers["Tus-Resumable"] = "1.0.0"
    without(case.headers, "Upload-Metadata", "Upload-Checksum")


def begun_upload(world: World) -> str:
    answer = world.client.http.post("/api/v1/uploads", headers={"Tus-Resumable": "1.0.0", "Upload-Length": "100000"})
    return str(answer.headers["location"]).rpartition("/")[2]


def sized(_world: World, case: Case) -> None:
    case.headers["Upload-Length"] = "12345"


def from_zero(_world: World, case: Case) -> None:
    case.headers["Upload-Offset"] = "0"


def tensor(world: World) -> dict[str, object]:
    described = world.client.get(str(world.service["address"]))["inputs"][0]
    shape = [1 if size == -1 else size for size in described["shape"]]
    data = [base64.b64encode(png_bytes(30)).decode()]
    return {"inputs": [{"name": described["name"], "shape": shape, "datatype": "BYTES", "data": data}]}


def dark_or_light(world: World) -> dict[str, object]:
    return {"instances": [{"inputs": {"image": world.image(225)}}]}


def fresh_upload(world: World) -> dict[str, object]:
    return {"upload_id": world.new_upload()}


def algorithm_upload(world: World) -> dict[str, object]:
    return {"upload_id": world.algorithm_upload()}


def new_task(world: World) -> dict[str, object]:
    return {
        "name": "fuzzed",
        "dataset_id": world.dataset,
        "algorithm_id": world.quick_algorithm,
        "dataset_version": 0,
        "train_share": 0.8,
        "parameters": "{}",
        "resources": {},
    }


def unpublished(world: World) -> str:
    """Each can be published once."""
    return world.unpublished.pop() if world.unpublished else world.task


_VISIBILITY = {"visibility": "VISIBILITY_PRIVATE"}
_OUR_DATASET = on("id", lambda world: world.dataset)
_OUR_TASK = on("id", lambda world: world.task)
_OUR_SERVICE = on("id", lambda world: world.service_id)
_OUR_MODEL = on("service", lambda world: world.service_id)


def _version_one(_world: World, case: Case) -> None:
    case.path_parameters["version"] = "1"


RECIPES: dict[str, Recipe] = {
    "Identity_CreateSession": with_body(lambda world: {"user_name": "admin", "password": world.password}),
    "Identity_DeleteCurrentSession": signed_in_apart,
    "Dataset_CreateDataset": with_body(lambda _: {**DATASET, "name": new_id("set")}),
    "Dataset_GetDataset": _OUR_DATASET,
    "Dataset_ListDatasets": first_page,
    "Dataset_UpdateDataset": then(
        on("id", World.new_dataset),
        with_query(update_mask="description"),
        with_body(lambda _: {"description": "fuzzed"}, "name", "format", "purpose"),
    ),
    "Dataset_DeleteDataset": on("id", World.new_dataset),
    "Dataset_ImportDataset": then(on("id", World.new_dataset), with_body(fresh_upload, "test_upload_id")),
    "Dataset_OnlineDataset": on("id", lambda world: world.dataset),
    "Dataset_OfflineDataset": on("id", once(World.online_dataset)),
    "Dataset_ListSamples": then(_OUR_DATASET, with_query(class_name="dark")),
    "Dataset_WatchDataset": _OUR_DATASET,
    "Algorithm_CreateAlgorithm": with_body(algorithm_upload),
    "Algorithm_GetAlgorithm": on("id", lambda world: world.algorithm),
    "Algorithm_ListAlgorithms": first_page,
    "Algorithm_UpdateAlgorithm": then(
        on("id", lambda world: world.quick_algorithm),
        with_query(update_mask="description"),
        with_body(lambda _: {"description": "fuzzed"}),
    ),
    "Algorithm_DeleteAlgorithm": on("id", World.offline_algorithm),
    "Algorithm_OnlineAlgorithm": on("id", lambda world: world.quick_algorithm),
    "Algorithm_OfflineAlgorithm": on("id", World.new_algorithm),
    "Task_CreateTask": then(with_query(start="false"), with_body(new_task, "purpose", "visibility")),
    "Task_GetTask": _OUR_TASK,
    "Task_ListTasks": first_page,
    "Task_UpdateTask": then(
        on("id", World.draft_task), with_query(update_mask="note"), with_body(lambda _: {"note": "fuzzed"})
    ),
    "Task_DeleteTask": on("id", World.draft_task),
    "Task_StartTask": on("id", once(World.draft_task)),
    "Task_StopTask": on("id", once(World.training_task)),
    "Task_PublishTask": on("id", unpublished),
    "Task_WatchTask": _OUR_TASK,
    "Task_ListTaskMetrics": _OUR_TASK,
    "Task_WatchTaskMetrics": _OUR_TASK,
    "Task_ReadTaskLog": _OUR_TASK,
    "Task_GetTaskReport": _OUR_TASK,
    "Model_GetModel": on("id", lambda world: world.model),
    "Model_ListModels": first_page,
    "Model_ListModelVersions": on("model_id", lambda world: world.model),
    "Model_GetModelVersion": on("id", lambda world: world.model_version),
    "Model_DownloadModelVersion": on("id", lambda world: world.model_version),
    "Model_DeleteModel": on("id", World.spare_model),
    "Serving_CreateService": with_body(
        lambda world: {"name": new_id("svc"), "model_version_id": world.model_version, **_VISIBILITY}
    ),
    "Serving_GetService": _OUR_SERVICE,
    "Serving_ListServices": first_page,
    "Serving_UpdateService": then(
        on("id", World.new_service), with_query(update_mask="description"), with_body(lambda _: {"description": "f"})
    ),
    "Serving_DeleteService": on("id", World.new_service),
    "Serving_StartService": then(on("id", once(World.new_service)), with_body(lambda _: {"load": 1})),
    "Serving_StopService": on("id", World.new_service),
    "Serving_ScaleService": then(_OUR_SERVICE, with_body(lambda _: {"load": 1})),
    "Serving_Predict": then(_OUR_SERVICE, with_body(dark_or_light)),
    "Serving_WatchService": _OUR_SERVICE,
    "Workload_GetWorkload": on("id", World.workload),
    "Workload_ListWorkloads": first_page,
    "Workload_ExplainWorkload": on("id", World.workload),
    "Node_ListNodes": first_page,
    "Node_ResumeNode": on("id", World.node),
    "Queue_ListQueues": first_page,
    "Queue_UpdateQueue": then(on("id", lambda _: new_id("project")), with_query(update_mask="weight")),
    "Ledger_ListRounds": first_page,
    "Upload_Create": then(tus, sized),
    "Upload_Offset": then(tus, on("id", begun_upload)),
    "Upload_Get": on("id", begun_upload),
    "Upload_Append": then(tus, from_zero, on("id", begun_upload)),
    "Upload_Delete": then(tus, on("id", begun_upload)),
    "Inference_Infer": then(_OUR_MODEL, with_body(tensor)),
    "Inference_Ready": _OUR_MODEL,
    "Inference_Metadata": _OUR_MODEL,
    "Inference_InferOfVersion": then(_OUR_MODEL, _version_one, with_body(tensor)),
    "Inference_ReadyOfVersion": then(_OUR_MODEL, _version_one),
    "Inference_MetadataOfVersion": then(_OUR_MODEL, _version_one),
}
