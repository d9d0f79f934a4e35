"""A Triton of few words: it answers what it was asked."""
# methods are named as in the proto

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
from tritonclient.grpc import service_pb2, service_pb2_grpc

DIED = "Stub process 'm-1_0_0' is not healthy."


class TritonHttp:
    """HTTP on a free port."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = {"name": "m-1", "platform": "onnx"} if self.path == "/v2/models/m-1" else {"path": self.path}
        self._answer(json.dumps(body).encode(), {})

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        if data == b"died":
            self._answer(json.dumps({"error": DIED}).encode(), {}, 500)
            return
        names = ("Content-Type", "Inference-Header-Content-Length")
        self._answer(self.path.encode() + b"|" + data, {n: self.headers[n] for n in names if n in self.headers})

    def _answer(self, body: bytes, headers: dict[str, str], code: int = 200) -> None:
        self.send_response(code)
        for name, value in ({"Content-Type": "application/json"} | headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # the name of the base class
        pass


class TritonGrpc(service_pb2_grpc.GRPCInferenceServiceServicer):  # type: ignore[misc]  # it has no types
    def ServerLive(self, request: object, context: object) -> service_pb2.ServerLiveResponse:
        return service_pb2.ServerLiveResponse(live=True)

    def ModelReady(self, request: object, context: object) -> service_pb2.ModelReadyResponse:
        return service_pb2.ModelReadyResponse(ready=True)

    def ModelStreamInfer(
        self, requests: Iterator[service_pb2.ModelInferRequest], context: grpc.ServicerContext
    ) -> Iterator[service_pb2.ModelStreamInferResponse]:
        for request in requests:
            answer = service_pb2.ModelStreamInferResponse()
            answer.infer_response.CopyFrom(self.ModelInfer(request, context))
            yield answer

    def ModelInfer(
        self, request: service_pb2.ModelInferRequest, context: grpc.ServicerContext
    ) -> service_pb2.ModelInferResponse:
        if request.id == "wrong":
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "unexpected shape")
        if request.id == "died":
            context.abort(grpc.StatusCode.INTERNAL, DIED)
        return service_pb2.ModelInferResponse(
            model_name=request.model_name, id=f"{request.model_name}:{request.id}", raw_output_contents=[b"\x01\x02"]
        )
