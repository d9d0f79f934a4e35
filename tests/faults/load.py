"""Inference load on services whose answers are known."""

import base64
import itertools
import json
import threading
import time
from dataclasses import dataclass, field

import httpx

from services.gateway.client import ApiError, Client
from tests.faults.history import History
from tests.faults.training import COLOURS
from tests.support.images import png

PAUSE_S = 0.3
HANGS_S = 40.0
PICTURES = {
    "red": base64.b64encode(png((250, 5, 5))).decode(),
    "green": base64.b64encode(png((5, 250, 5))).decode(),
    "blue": base64.b64encode(png((5, 5, 250))).decode(),
}


def ask(client: Client, service_id: str, colour: str) -> str:
    """The label that the service gives to a picture of the colour; by turns over both ways of HTTP."""
    answer = client.post(
        f"/api/v1/services/{service_id}:predict", {"instances": [{"inputs": {"image": PICTURES[colour]}}]}
    )
    return str(answer["predictions"][0]["label"])


def ask_by_protocol(client: Client, service_id: str, colour: str) -> str:
    """The same by the Open Inference Protocol, which goes past the service to Triton; the picture as binary data."""
    picture = base64.b64decode(PICTURES[colour])
    data = len(picture).to_bytes(4, "little") + picture
    parameters = {"binary_data_size": len(data)}
    tensor = {"name": "image", "shape": [1, 1], "datatype": "BYTES", "parameters": parameters}
    head = json.dumps({"inputs": [tensor], "outputs": [{"name": "label"}]}).encode()
    headers = {"inference-header-content-length": str(len(head)), "content-type": "application/octet-stream"}
    response = client.http.post(f"/v2/models/{service_id}/infer", content=head + data, headers=headers)
    if not response.is_success:
        raise ApiError.of(response)
    outputs = {output["name"]: output["data"] for output in response.json()["outputs"]}
    return str(outputs["label"][0])


WAYS = (ask, ask_by_protocol)


@dataclass
class ServiceLoad(threading.Thread):
    """One client that asks one service again and again, until `stop` is set."""

    client: Client
    service_id: str
    prefix: str
    history: History
    stop: threading.Event = field(default_factory=threading.Event)
    last_right: list[float] = field(default_factory=lambda: [0.0] * len(WAYS))

    def __post_init__(self) -> None:
        threading.Thread.__init__(self, name=f"load-{self.service_id}", daemon=True)

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        for turn, colour in enumerate(itertools.cycle(COLOURS)):
            if self.stop.wait(PAUSE_S):
                return
            self._ask_once(turn, colour)

    def _ask_once(self, turn: int, colour: str) -> None:
        began = time.monotonic()
        try:
            label = WAYS[turn % len(WAYS)](self.client, self.service_id, colour)
        except (ApiError, httpx.HTTPError, ValueError, KeyError) as error:
            kind = f"{error.http_status} {error.reason}" if isinstance(error, ApiError) else type(error).__name__
            self.history.answered("hung" if time.monotonic() - began > HANGS_S else "error", kind)
            return
        if label != f"{self.prefix}-{colour}":
            self.history.answered("wrong", f"{self.service_id}: {label} for {self.prefix}-{colour}")
            return
        self.last_right[turn % len(WAYS)] = time.monotonic()
        self.history.answered("right")

    def is_well(self, since: float) -> bool:
        """Whether a right answer came by every way after the monotonic time `since`."""
        return min(self.last_right) > since
