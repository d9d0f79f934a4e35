"""Data sets and algorithms of the benchmark."""

import io
import json
import random
import zipfile
from pathlib import Path

from PIL import Image

from services.gateway.client import Client
from services.gateway.demo_data import write_digits
from services.kernel.ids import new_id
from tests.support import jobs
from tests.support.archives import zip_bytes

REPORT = {
    "format": "modelyard-report/1",
    "overall": {"accuracy": 1.0, "precision": 1.0, "recall": 1.0, "f1": 1.0},
    "classes": ["dark", "light"],
}
MODEL = {
    "format": "modelyard-model/1",
    "framework": "onnx",
    "weights": "model.onnx",
    "labels": ["dark", "light"],
    "interface": {"name": "classify", "parameters": [{"name": "image", "type": "image"}]},
}


def no_op_algorithm(client: Client, folder: Path) -> str:
    """An algorithm that does nothing but hand over a result that it brought along."""
    definition = {
        "contract": 1,
        "name": new_id("no_op").replace("-", "_"),
        "title": {"zh": "空", "en": "No operation"},
        "description": "For the benchmark.",
        "version": "v1.0",
        "purpose": {"level1": "image", "level2": "classification"},
        "data": {"kind": "image", "format": "dir"},
        "training": {"command": "sh main.sh", "device": "cpu", "parameters": {"type": "object", "properties": {}}},
        "inference": {
            "framework": "onnx",
            "device": "cpu",
            "interface": {
                "name": "classify",
                "method": "POST",
                "format": "json",
                "parameters": [{"name": "image", "type": "image", "required": True, "description": "x"}],
                "returns": [{"name": "label", "type": "text", "description": "x"}],
            },
        },
    }
    files = {
        "algorithm.yaml": json.dumps(definition).encode(),
        "main.sh": b'cp -r result/. "$MODELYARD_OUTPUT"\n',
        "result/report.json": json.dumps(REPORT).encode(),
        "result/model/model.yaml": json.dumps(MODEL).encode(),
        "result/model/model.onnx": b"none",
    }
    upload = jobs.upload(client, folder, zip_bytes(files), "no-op.zip")
    algorithm = client.post("/api/v1/algorithms", {"upload_id": upload})
    client.post(f"/api/v1/algorithms/{algorithm['id']}:online")
    return str(algorithm["id"])


def small_dataset(client: Client, folder: Path) -> str:
    """Twenty images of two classes, online."""
    return jobs.online_dataset(client, folder, jobs.two_shades())


def digits_dataset(client: Client, folder: Path) -> str:
    """1 750 handwritten digits, online."""
    source = folder / "digits"
    write_digits(source)
    files = {path.relative_to(source).as_posix(): path.read_bytes() for path in sorted(source.rglob("*.png"))}
    return jobs.online_dataset(client, folder, files)


def image_archive(path: Path, count: int) -> None:
    """A zip of `count` different small JPEG files in ten folders."""
    chance = random.Random(0)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for at in range(count):
            archive.writestr(f"{at % 10}/{at:06d}.jpg", photo(chance, 32))


def photo(chance: random.Random, side: int) -> bytes:
    """A JPEG of coarse random colours: as large and as hard to decode as a photograph of that size."""
    coarse = Image.frombytes("RGB", (8, 8), chance.randbytes(8 * 8 * 3)).resize((side, side), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    coarse.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
