"""The folder that a run wrote: `report.json` and `model/`."""

import json
from collections.abc import Callable
from typing import cast

import yaml

from services.kernel import plainyaml
from services.kernel.errors import NotFound
from services.kernel.storage import bundles
from services.kernel.storage.objects import ObjectStore
from services.kernel.values import BundleRef, Interface, InterfaceParameter, answer
from services.trainer.domain import Scores
from services.trainer.handlers import OutputInvalid
from services.trainer.parameters import Json
from services.trainer.ports import TrainedModel
from services.trainer.reports import to_report

FRAMEWORKS = ("onnx", "torchscript", "sklearn")
REPORT_FORMAT = "modelyard-report/1"
MODEL_FORMAT = "modelyard-model/1"
MAX_REPORT_BYTES = 64 * 1024 * 1024
MAX_MODEL_YAML_BYTES = 1024 * 1024

JsonObject = dict[str, Json]


class StoredOutputs:
    """`Outputs` in the object store."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def report(self, outputs: BundleRef) -> JsonObject:
        """The checked report; `OutputInvalid` names the field that is wrong."""
        report = self._document(outputs, "report.json", json.loads, MAX_REPORT_BYTES)
        _expect(report.get("format") == REPORT_FORMAT, "report.json: format", f"`{REPORT_FORMAT}` was expected")
        overall = report.get("overall")
        _expect(isinstance(overall, dict), "report.json: overall", "an object with the scores was expected")
        for name in ("accuracy", "precision", "recall", "f1"):
            value = cast("JsonObject", overall).get(name)
            fits = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
            _expect(fits, f"report.json: overall.{name}", "a number from 0 to 1 was expected")
        _expect(isinstance(report.get("classes"), list), "report.json: classes", "a list of names was expected")
        try:
            to_report(report)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise OutputInvalid(f"report.json does not fit the schema {REPORT_FORMAT}: {error!r}") from error
        return report

    def scores(self, outputs: BundleRef) -> Scores:
        overall = cast("dict[str, float]", self.report(outputs)["overall"])
        return Scores(**{name: float(overall[name]) for name in ("accuracy", "precision", "recall", "f1")})

    def model(self, outputs: BundleRef) -> TrainedModel:
        document = self._document(outputs, "model/model.yaml", plainyaml.load, MAX_MODEL_YAML_BYTES)
        where = "model/model.yaml: "
        _expect(document.get("format") == MODEL_FORMAT, f"{where}format", f"`{MODEL_FORMAT}` was expected")
        framework = document.get("framework")
        _expect(framework in FRAMEWORKS, f"{where}framework", f"one of {', '.join(FRAMEWORKS)} was expected")
        labels = document.get("labels")
        _expect(isinstance(labels, list) and labels, f"{where}labels", "a list of class names was expected")
        weights = document.get("weights")
        _expect(isinstance(weights, str) and "/" not in weights, f"{where}weights", "a file name was expected")
        folder = bundles.subfolder(self._store, outputs, "model")
        paths = {entry.path for entry in bundles.iter_index(self._store, folder)}
        _expect(weights in paths, f"{where}weights", f"the file model/{weights} was expected")
        return TrainedModel(
            framework=str(framework),
            labels=[str(label) for label in cast("list[Json]", labels)],
            interface=_interface(document.get("interface"), where),
            bundle=folder,
        )

    def _document(self, outputs: BundleRef, path: str, parse: Callable[[str], object], limit: int) -> JsonObject:
        if not outputs.index:
            raise OutputInvalid("The algorithm wrote nothing; MODELYARD_OUTPUT was to hold report.json and model/.")
        try:
            entry = bundles.find_entry(self._store, outputs, path)
        except NotFound as error:
            raise OutputInvalid(f"{path} is missing: the algorithm has to write it to MODELYARD_OUTPUT.") from error
        _expect(entry.size <= limit, path, f"at most {limit} bytes were expected")
        try:
            document = parse(bundles.read_file(self._store, entry).decode("utf-8"))
        except (ValueError, yaml.YAMLError, RecursionError) as error:
            raise OutputInvalid(f"{path} cannot be read: {error}") from error
        _expect(isinstance(document, dict), path, "an object was expected")
        return cast("JsonObject", document)


def _expect(fits: object, where: str, expected: str) -> None:
    if not fits:
        raise OutputInvalid(f"{where}: {expected}")


def _interface(value: Json, where: str) -> Interface:
    _expect(isinstance(value, dict) and value.get("name"), f"{where}interface", "an interface with a name was expected")
    given = cast("JsonObject", value)
    parameters = cast("list[JsonObject]", given.get("parameters") or [])
    fits = isinstance(parameters, list) and all(isinstance(p, dict) for p in parameters)
    _expect(fits, f"{where}interface.parameters", "a list of parameters was expected")
    return Interface(
        name=str(given["name"]),
        method=str(given.get("method", "POST")),
        format=str(given.get("format", "json")),
        returns=_returns(given.get("returns")),
        parameters=tuple(
            InterfaceParameter(
                name=str(p.get("name", "")),
                type=str(p.get("type", "text")),
                required=bool(p.get("required", True)),
                test_value=_text(p.get("test_value")),
                description=_text(p.get("description")),
            )
            for p in parameters
        ),
    )


def _returns(value: Json) -> str:
    if not isinstance(value, list):
        return _text(value)
    fields = [field if isinstance(field, dict) else {} for field in value]
    return answer((_text(f.get("name")), _text(f.get("type")), _text(f.get("description"))) for f in fields)


def _text(value: Json) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
