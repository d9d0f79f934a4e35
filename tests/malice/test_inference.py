"""Inference requests that no client of good will sends: each is refused by name, and the model answers the next."""

import base64
import io
import json
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import numpy
import pytest
from PIL import Image
from tritonclient.grpc import service_pb2, service_pb2_grpc

from services.gateway.client import ApiError, Client
from services.gateway.client.api import JsonObject
from tests.e2e.conftest import Platform
from tests.malice.processes import MIB
from tests.malice.world import World
from tests.support.archives import png_bytes


@pytest.fixture(autouse=True)
def answers_afterwards(world: World) -> Iterator[None]:
    yield
    assert world.answers_rightly()


def png_of(width: int, height: int, rows: bytes = b"") -> bytes:
    """A PNG that says it is this large, with hardly any content."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def jpeg() -> bytes:
    buffer = io.BytesIO()
    noise = numpy.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=numpy.uint8)
    Image.fromarray(noise).save(buffer, "JPEG")
    return buffer.getvalue()


def text_bomb() -> bytes:
    """A PNG whose comment unpacks to 64 MiB."""
    content = b"Comment\0\0" + zlib.compress(bytes(64 * MIB), 9)
    chunk = struct.pack(">I", len(content)) + b"zTXt" + content + struct.pack(">I", zlib.crc32(b"zTXt" + content))
    image = png_bytes(25)
    return image[:33] + chunk + image[33:]


IMAGES: dict[str, Callable[[], bytes]] = {
    "a text": lambda: b"this is a text, not an image",
    "one pixel bomb": lambda: png_of(50_000, 50_000, bytes(1000)),
    "largest size": lambda: png_of(2**31 - 1, 2**31 - 1),
    "no size": lambda: png_of(0, 0),
    "decompression bomb": lambda: png_of(20_000, 20_000, bytes(20_001 * 20_000 // 4)),
    "truncated JPEG": lambda: jpeg()[:-400],
    "half a PNG": lambda: png_bytes(25)[:40],
    "only a head": lambda: b"\x89PNG\r\n\x1a\n",
    "comment bomb": text_bomb,
    "EPS": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n",
    "random bytes": lambda: bytes(range(256)) * 20,
}
VALUES: dict[str, tuple[Any, str]] = {
    "empty": ("", "image"),
    "not base64": ("@@@@", "base64"),
    "a number": (5, "image"),
    "null": (None, "image"),
    "a list": ([], "image"),
    "an object": ({}, "image"),
    "a path": ("file:///etc/passwd", "image"),
    "NaN": (float("nan"), "JSON"),
}


def predict(client: Client, service: JsonObject | str, body: object) -> tuple[int, str]:
    text = json.dumps(body)
    answer = client.http.post(
        f"/api/v1/services/{service}:predict", content=text, headers={"content-type": "application/json"}, timeout=120
    )
    return answer.status_code, answer.text


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_that_is_none_is_named(client: Client, world: World, name: str) -> None:
    good = world.image(25)
    bad = base64.b64encode(IMAGES[name]()).decode()
    body = {"instances": [{"inputs": {"image": good}}, {"inputs": {"image": bad}}]}
    code, text = predict(client, world.service_id, body)
    assert code == 400, text[:500]
    assert "instances[1].inputs.image" in text


@pytest.mark.parametrize("name", VALUES)
def test_a_value_that_is_no_image_is_named(client: Client, world: World, name: str) -> None:
    value, named = VALUES[name]
    code, text = predict(client, world.service_id, {"instances": [{"inputs": {"image": value}}]})
    assert code == 400, text[:500]
    assert named in text


BODIES: dict[str, tuple[object, str]] = {
    "nothing": ({}, "instances"),
    "no instances": ({"instances": []}, "instances"),
    "65 instances": ({"instances": [{"inputs": {"image": "aaaa"}}] * 65}, "instances"),
    "no inputs": ({"instances": [{}]}, "inputs"),
    "33 inputs": ({"instances": [{"inputs": {f"i{at}": "x" for at in range(33)}}]}, "inputs"),
    "another input": ({"instances": [{"inputs": {"picture": "aaaa"}}]}, "picture"),
    "a long name": ({"instances": [{"inputs": {"x" * 1000: "a"}}]}, "inputs"),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_wrong_body_is_named(client: Client, world: World, name: str) -> None:
    body, named = BODIES[name]
    code, text = predict(client, world.service_id, body)
    assert code == 400, text[:500]
    assert named in text


def test_a_hundred_megabytes_are_too_much(client: Client, world: World) -> None:
    body = {"instances": [{"inputs": {"image": "A" * (100 * MIB)}}]}
    try:
        code, text = predict(client, world.service_id, body)
    except Exception as error:  # the line is closed while the client is still sending
        assert "TransportError" in [kind.__name__ for kind in type(error).__mro__], error
    else:
        assert code == 413, text[:300]


@pytest.fixture(scope="module")
def tensor(client: Client, world: World) -> JsonObject:
    """A good input of the Open Inference Protocol."""
    described = client.get(str(world.service["address"]))["inputs"][0]
    shape = [1 if size == -1 else size for size in described["shape"]]
    data = [base64.b64encode(png_bytes(25)).decode()]
    return {"name": described["name"], "shape": shape, "datatype": "BYTES", "data": data}


TENSORS: dict[str, JsonObject] = {
    "another type": {"datatype": "FP32", "data": [1.0]},
    "no such type": {"datatype": "FLOAT128", "data": [1.0]},
    "negative size": {"shape": [-1, 1]},
    "both negative": {"shape": [-5, -5]},
    "huge shape": {"shape": [2**31, 2**31]},
    "overflowing shape": {"shape": [2**32, 2**32]},
    "more than 64 bits": {"shape": [2**64, 1]},
    "size zero": {"shape": [0, 1], "data": []},
    "zero and data": {"shape": [0, 1]},
    "no shape": {"shape": []},
    "many dimensions": {"shape": [1] * 200},
    "a text as shape": {"shape": ["a", "b"]},
    "fractions": {"shape": [1.5, 1]},
    "no data": {"data": []},
    "too much data": {"data": ["aaaa"] * 10},
    "numbers as bytes": {"data": [5]},
    "nested": {"data": [[[[["aaaa"]]]]]},
    "objects": {"data": [{"a": 1}]},
    "null": {"data": None},
    "another name": {"name": "other"},
    "no name": {"name": ""},
    "a name of many letters": {"name": "x" * 100_000},
    "a huge batch": {"shape": [5000, 1], "data": ["aaaa"] * 5000},
    "not an image": {"data": [base64.b64encode(b"no image").decode()]},
    "shared memory": {"parameters": {"shared_memory_region": "x", "shared_memory_byte_size": 2**40}},
    "a false binary size": {"parameters": {"binary_data_size": 2**40}},
    "a negative binary size": {"parameters": {"binary_data_size": -1}},
}


@pytest.mark.parametrize("name", TENSORS)
def test_a_wrong_tensor_over_http_is_refused(client: Client, world: World, tensor: JsonObject, name: str) -> None:
    answer = client.http.post(f"{world.service['address']}/infer", json={"inputs": [{**tensor, **TENSORS[name]}]})
    assert answer.status_code == 400, answer.text[:500]
    assert answer.json()["error"]


RAW: dict[str, bytes] = {
    "no JSON": b"{",
    "NaN": b'{"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [NaN]}]}',
    "Infinity": b'{"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [1e999]}]}',
    "no inputs": b"{}",
    "inputs null": b'{"inputs": null}',
    "inputs empty": b'{"inputs": []}',
    "empty": b"",
    "deep": b'{"inputs": ' + b"[" * 100_000,
    "binary": bytes(range(256)),
}


@pytest.mark.parametrize("name", RAW)
def test_a_wrong_body_over_http_is_refused(client: Client, world: World, name: str) -> None:
    answer = client.http.post(f"{world.service['address']}/infer", content=RAW[name])
    assert answer.status_code == 400, answer.text[:500]


@pytest.mark.parametrize("length", ["-1", "5", "99999999999999999999", "x", "0", ""])
def test_a_false_length_of_the_json_is_refused(client: Client, world: World, tensor: JsonObject, length: str) -> None:
    body = json.dumps({"inputs": [tensor]}).encode()
    headers = {"Inference-Header-Content-Length": length}
    answer = client.http.post(f"{world.service['address']}/infer", content=body, headers=headers)
    assert answer.status_code in (200, 400) if length in ("0", "") else answer.status_code == 400, answer.text[:300]


@pytest.fixture(scope="module")
def stub(platform: Platform) -> Iterator[Any]:
    options = [("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(platform.grpc_address, options=options) as channel:
        yield service_pb2_grpc.GRPCInferenceServiceStub(channel)


def request_of(world: World, tensor: JsonObject, raw: bytes | None = None, **change: Any) -> Any:
    request = service_pb2.ModelInferRequest(model_name=world.service_id)
    values = {"name": tensor["name"], "datatype": "BYTES", "shape": tensor["shape"], **change}
    request.inputs.add(**values)
    image = png_bytes(25)
    request.raw_input_contents.append(struct.pack("<I", len(image)) + image if raw is None else raw)
    return request


CHANGES: dict[str, dict[str, Any]] = {
    "another type": {"datatype": "FP32"},
    "no such type": {"datatype": "FLOAT128"},
    "negative size": {"shape": [-1, 1]},
    "huge shape": {"shape": [2**31, 2**31]},
    "largest shape": {"shape": [2**63 - 1, 2**63 - 1]},
    "size zero": {"shape": [0, 1]},
    "no shape": {"shape": []},
    "many dimensions": {"shape": [1] * 5000},
    "another name": {"name": "other"},
    "no content": {"raw": b""},
    "a length that lies": {"raw": struct.pack("<I", 2**32 - 1) + b"x"},
    "half a length": {"raw": b"\xff"},
    "more than announced": {"raw": struct.pack("<I", 1) + b"xyz"},
    "not an image": {"raw": struct.pack("<I", 3) + b"xyz"},
    "NaN": {"datatype": "FP32", "raw": struct.pack("<f", float("nan"))},
    "infinity": {"datatype": "FP32", "raw": struct.pack("<f", float("inf"))},
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_wrong_tensor_over_grpc_is_refused(
    client: Client, world: World, stub: Any, tensor: JsonObject, name: str
) -> None:
    metadata = (("authorization", f"Bearer {client.token}"),)
    with pytest.raises(grpc.RpcError) as refused:
        stub.ModelInfer(request_of(world, tensor, **CHANGES[name]), metadata=metadata, timeout=60)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT, refused.value.details()
    assert refused.value.details()


def test_too_much_for_one_request_over_grpc(client: Client, world: World, stub: Any, tensor: JsonObject) -> None:
    metadata = (("authorization", f"Bearer {client.token}"),)
    with pytest.raises(grpc.RpcError) as refused:
        stub.ModelInfer(request_of(world, tensor, bytes(100 * MIB)), metadata=metadata, timeout=60)
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_service_that_is_none(client: Client) -> None:
    for service in ("nothing", "svc-00000000000000000000000000", "x" * 5000, "..%2f..", "%00"):
        with pytest.raises(ApiError) as refused:
            client.post(f"/v2/models/{service}/infer", {"inputs": []})
        assert refused.value.http_status in (400, 404, 414)
