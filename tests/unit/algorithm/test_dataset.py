"""Reader of the data set standard and the split of plain folders."""

import json
from pathlib import Path

import jsonschema
import pytest
from PIL import Image

from services.algorithm.packaging import SDK_FOLDER
from services.algorithm.sdk.dataset import Dataset
from services.algorithm.sdk.errors import DatasetError, SampleError
from services.algorithm.sdk.jsontypes import Json, JsonObject
from services.algorithm.sdk.local import dataset_from_folder


def write(folder: Path, **changes: Json) -> Path:
    manifest: JsonObject = {
        "format": "modelyard/1",
        "kind": "text",
        "classes": ["a", "b"],
        "samples": [
            {"path": "data/a/1.txt", "class": "a", "split": "train"},
            {"text": "inline", "class": "b", "split": "test"},
        ],
        **changes,
    }
    (folder / "data" / "a").mkdir(parents=True, exist_ok=True)
    (folder / "data" / "a" / "1.txt").write_text("\ufeffein Satz\n", encoding="utf-8")
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def schema() -> JsonObject:
    document: JsonObject = json.loads((SDK_FOLDER / "schemas" / "dataset-v1.schema.json").read_text(encoding="utf-8"))
    return document


def test_texts_come_from_files_and_inline(tmp_path: Path) -> None:
    dataset = Dataset.open(write(tmp_path))
    assert [(sample.class_name, sample.label, text) for sample, text in dataset.texts()] == [
        ("a", 0, "ein Satz"),
        ("b", 1, "inline"),
    ]
    assert (len(dataset), dataset.count("train")) == (2, 1)
    jsonschema.validate(json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8")), schema())


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "data/../../secret", "..", "a\\..\\b", ""])
def test_a_path_that_leaves_the_folder_is_refused_by_reader_and_schema(tmp_path: Path, path: str) -> None:
    entry: JsonObject = {"path": path, "class": "a", "split": "train"}
    with pytest.raises(DatasetError, match=r"samples\[0\]\.path"):
        Dataset.open(write(tmp_path, samples=[entry]))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8")), schema())


def test_a_link_that_leaves_the_folder_is_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret", encoding="utf-8")
    folder = write(tmp_path / "set")
    (folder / "data" / "a" / "1.txt").unlink()
    (folder / "data" / "a" / "1.txt").symlink_to(secret)
    with pytest.raises(SampleError, match="leaves the data set's folder"):
        next(Dataset.open(folder).samples()).read_text()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "coco"}, "format: expected 'modelyard/1', got \"coco\""),
        ({"kind": "sound"}, "kind: expected one of image, text"),
        ({"classes": ["a", "a"]}, "classes: expected a list of at least one different"),
        ({"samples": []}, "samples: expected at least one sample"),
        (
            {"samples": [{"path": "x", "class": "c", "split": "train"}]},
            r"samples\[0\].class: expected one of 'classes'",
        ),
        (
            {"samples": [{"path": "x", "class": "a", "split": "val"}]},
            r"samples\[0\].split: expected one of train, test",
        ),
        ({"samples": [{"class": "a", "split": "test"}]}, r"samples\[0\]: expected exactly one content"),
        (
            {"kind": "image", "samples": [{"text": "x", "class": "a", "split": "test"}]},
            r"samples\[0\]: expected exactly",
        ),
    ],
)
def test_a_faulty_manifest_names_the_field(tmp_path: Path, changes: JsonObject, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        Dataset.open(write(tmp_path, **changes))


def test_missing_and_broken_manifests(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"cannot read manifest\.json"):
        Dataset.open(tmp_path)
    (tmp_path / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(DatasetError, match="not JSON"):
        Dataset.open(tmp_path)


def test_images_that_do_not_decode_are_set_aside(tmp_path: Path) -> None:
    for name in ("good", "truncated"):
        Image.new("RGB", (64, 64), "red").save(tmp_path / f"{name}.png")
    whole = (tmp_path / "truncated.png").read_bytes()
    (tmp_path / "truncated.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.png").write_text("no image", encoding="utf-8")
    names = ["good", "truncated", "text", "missing"]
    samples: list[Json] = [{"path": f"{name}.png", "class": "a", "split": "train"} for name in names]
    dataset = Dataset.open(write(tmp_path, kind="image", samples=samples))
    assert [sample.path for sample, image in dataset.images(mode="L") if image.mode == "L"] == ["good.png"]
    assert [sample.path for sample, _ in dataset.non_compliant] == ["truncated.png", "text.png", "missing.png"]


def test_empty_and_undecodable_texts_are_set_aside(tmp_path: Path) -> None:
    folder = write(tmp_path)
    (folder / "data" / "a" / "1.txt").write_bytes("中文".encode("gbk"))
    dataset = Dataset.open(folder)
    assert [text for _, text in dataset.texts()] == ["inline"]
    assert "not a readable UTF-8 text" in dataset.non_compliant[0][1]


def class_folders(source: Path, **counts: int) -> Path:
    for name, count in counts.items():
        (source / name).mkdir(parents=True)
        for at in range(count):
            (source / name / f"{at}.txt").write_text(f"{name} {at}", encoding="utf-8")
    return source


def test_a_plain_folder_is_split_by_class_and_seed(tmp_path: Path) -> None:
    source = class_folders(tmp_path / "plain", one=1, two=2, ten=10)

    def split(name: str, seed: int) -> dict[str, list[str]]:
        dataset = Dataset.open(dataset_from_folder(source, tmp_path / name, share=0.8, seed=seed))
        return {half: [f"{s.class_name}/{s.path}" for s in dataset.samples(half)] for half in ("train", "test")}

    first = split("first", 1)
    train = [entry.split("/")[0] for entry in first["train"]]
    test = [entry.split("/")[0] for entry in first["test"]]
    assert {name: (train.count(name), test.count(name)) for name in ("one", "two", "ten")} == {
        "one": (1, 0),
        "two": (1, 1),
        "ten": (8, 2),
    }
    assert split("again", 1) == first
    assert split("other", 2) != first


def test_folders_train_and_test_are_kept_apart(tmp_path: Path) -> None:
    class_folders(tmp_path / "plain" / "train", a=2, b=1)
    class_folders(tmp_path / "plain" / "test", a=1)
    dataset = Dataset.open(dataset_from_folder(tmp_path / "plain", tmp_path / "set"))
    assert (dataset.classes, dataset.count("train"), dataset.count("test")) == (["a", "b"], 3, 1)


def test_a_folder_without_samples_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no image"):
        dataset_from_folder(tmp_path, tmp_path / "set")
