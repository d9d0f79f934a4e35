"""Triton as it is started for real: Python models in the runtime environment, ensembles of them."""

from pathlib import Path

import numpy as np
from tritonclient.grpc import InferenceServerClient, InferInput

from tests.support.servers import Servers

_CONFIGURATION = """\
backend: "python"
max_batch_size: 8
input [{ name: "x" data_type: TYPE_FP32 dims: [ 2 ] }]
output [{ name: "y" data_type: TYPE_FP32 dims: [ 2 ] }]
instance_group [{ count: 2 kind: KIND_CPU }]
"""
_MODEL = """\
import numpy
import sys
import triton_python_backend_utils as backend


class TritonPythonModel:
    def initialize(self, arguments):
        assert numpy.__version__.startswith("1."), numpy.__version__
        assert sys.prefix.endswith(".runtime"), sys.prefix

    def execute(self, requests):
        inputs = [backend.get_input_tensor_by_name(request, "x").as_numpy() for request in requests]
        return [backend.InferenceResponse([backend.Tensor("y", FORMULA)]) for x in inputs]
"""
_ENSEMBLE = """\
platform: "ensemble"
max_batch_size: 8
input [{ name: "x" data_type: TYPE_FP32 dims: [ 2 ] }]
output [{ name: "y" data_type: TYPE_FP32 dims: [ 2 ] }]
ensemble_scheduling { step [
  { model_name: "embedded-double" model_version: -1
    input_map { key: "x" value: "x" } output_map { key: "y" value: "doubled" } },
  { model_name: "embedded-next" model_version: -1
    input_map { key: "x" value: "doubled" } output_map { key: "y" value: "y" } }
] }
"""


def write_model(repository: Path, name: str, configuration: str, model: str | None) -> None:
    version = repository / name / "1"
    version.mkdir(parents=True)
    (repository / name / "config.pbtxt").write_text(configuration)
    if model is not None:
        (version / "model.py").write_text(model)


def test_python_models_and_an_ensemble_of_them_answer(triton_servers: Servers) -> None:
    repository = triton_servers.instance.triton_repository
    write_model(repository, "embedded-double", _CONFIGURATION, _MODEL.replace("FORMULA", "x * 2"))
    write_model(repository, "embedded-next", _CONFIGURATION, _MODEL.replace("FORMULA", "x + numpy.float32(1)"))
    write_model(repository, "embedded-both", _ENSEMBLE, None)
    values = np.arange(6, dtype=np.float32).reshape(3, 2)
    tensor = InferInput("x", [3, 2], "FP32")
    tensor.set_data_from_numpy(values)
    with InferenceServerClient(triton_servers.triton_grpc) as client:
        client.load_model("embedded-both")
        try:
            result = client.infer("embedded-both", [tensor]).as_numpy("y")
        finally:
            client.unload_model("embedded-both", unload_dependents=True)
    np.testing.assert_array_equal(result, values * 2 + 1)
