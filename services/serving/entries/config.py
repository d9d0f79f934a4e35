"""`config.pbtxt` of the entries of a service, as Triton's own message type.

https://github.com/triton-inference-server/common/blob/main/protobuf/model_config.proto
"""

from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2 as pb

from services.serving.entries.modelfile import ModelFile, Tensor
from services.serving.naming import CORE, POST, PRE, Layout

MAX_BATCH = 64
WEIGHTS = {"onnx": "model.onnx", "torchscript": "model.pt", "sklearn": "model.skops"}
_BACKENDS = {"onnx": "onnxruntime", "torchscript": "pytorch", "sklearn": "sklearn"}
_THREADS = {"onnx": "intra_op_thread_count", "torchscript": "INTRA_OP_THREAD_COUNT"}
_TYPES = {
    "bool": pb.TYPE_BOOL,
    "uint8": pb.TYPE_UINT8,
    "int8": pb.TYPE_INT8,
    "int16": pb.TYPE_INT16,
    "int32": pb.TYPE_INT32,
    "int64": pb.TYPE_INT64,
    "float16": pb.TYPE_FP16,
    "float32": pb.TYPE_FP32,
    "float64": pb.TYPE_FP64,
    "string": pb.TYPE_STRING,
}


def configs(service_id: str, model: ModelFile, load: int, layout: Layout) -> dict[str, str]:
    """Text of `config.pbtxt` by entry name, for `load` instances of the weights."""
    if layout is Layout.WHOLE:
        return {service_id: text_format.MessageToString(_whole(service_id, model, load))}
    return {
        f"{service_id}.{PRE}": text_format.MessageToString(_pre(service_id, model, load)),
        f"{service_id}.{CORE}": text_format.MessageToString(_core(service_id, model, load)),
        f"{service_id}.{POST}": text_format.MessageToString(_post(service_id, model)),
        service_id: text_format.MessageToString(_ensemble(service_id, model)),
    }


def core_names(model: ModelFile) -> tuple[dict[str, str], dict[str, str]]:
    """The core entry's names of the inputs and the outputs; Triton's PyTorch backend goes by position."""
    if model.framework != "torchscript":
        return {t.name: t.name for t in model.inputs}, {t.name: t.name for t in model.outputs}
    inputs = {tensor.name: f"INPUT__{at}" for at, tensor in enumerate(model.inputs)}
    return inputs, {tensor.name: f"OUTPUT__{at}" for at, tensor in enumerate(model.outputs)}


def _batched(name: str, backend: str, instances: int) -> pb.ModelConfig:
    config = pb.ModelConfig(name=name, backend=backend, max_batch_size=MAX_BATCH)
    config.dynamic_batching.SetInParent()
    config.instance_group.add(count=instances, kind=pb.ModelInstanceGroup.KIND_CPU)
    return config


def _dims(tensor: Tensor) -> list[int]:
    """Without the batch axis; Triton wants at least one, `_reshape` takes it away again."""
    return list(tensor.shape[1:]) or [1]


def _whole(service_id: str, model: ModelFile, load: int) -> pb.ModelConfig:
    config = _batched(service_id, "python", load)
    config.input.add(name=model.preprocessing.parameter, data_type=pb.TYPE_STRING, dims=[1])
    _add_answer(config, model)
    return config


def _pre(service_id: str, model: ModelFile, load: int) -> pb.ModelConfig:
    config = _batched(f"{service_id}.{PRE}", "python", load)
    config.input.add(name=model.preprocessing.parameter, data_type=pb.TYPE_STRING, dims=[1])
    for tensor in model.inputs:
        config.output.add(name=tensor.name, data_type=_TYPES[tensor.dtype], dims=_dims(tensor))
    return config


def _core(service_id: str, model: ModelFile, load: int) -> pb.ModelConfig:
    config = _batched(f"{service_id}.{CORE}", _BACKENDS[model.framework], load)
    config.default_model_filename = WEIGHTS[model.framework]
    inputs, outputs = core_names(model)
    for tensor in model.inputs:
        added = config.input.add(name=inputs[tensor.name], data_type=_TYPES[tensor.dtype], dims=_dims(tensor))
        if len(tensor.shape) == 1:
            added.reshape.SetInParent()
    for tensor in model.outputs:
        given = config.output.add(name=outputs[tensor.name], data_type=_TYPES[tensor.dtype], dims=_dims(tensor))
        if len(tensor.shape) == 1:
            given.reshape.SetInParent()
    if model.framework in _THREADS:
        # One thread an instance: the load says how much of the machine a service gets.
        config.parameters[_THREADS[model.framework]].string_value = "1"
    return config


def _post(service_id: str, model: ModelFile) -> pb.ModelConfig:
    config = _batched(f"{service_id}.{POST}", "python", 1)
    scores = model.scores_tensor
    config.input.add(name=scores.name, data_type=_TYPES[scores.dtype], dims=_dims(scores))
    _add_answer(config, model)
    return config


def _ensemble(service_id: str, model: ModelFile) -> pb.ModelConfig:
    config = pb.ModelConfig(name=service_id, platform="ensemble", max_batch_size=MAX_BATCH)
    parameter, scores = model.preprocessing.parameter, model.scores
    config.input.add(name=parameter, data_type=pb.TYPE_STRING, dims=[1])
    _add_answer(config, model)
    inputs, outputs = core_names(model)
    steps = config.ensemble_scheduling.step
    pre = steps.add(model_name=f"{service_id}.{PRE}", model_version=-1)
    pre.input_map[parameter] = parameter
    core = steps.add(model_name=f"{service_id}.{CORE}", model_version=-1)
    for name, inside in inputs.items():
        pre.output_map[name] = f"tensor:{name}"
        core.input_map[inside] = f"tensor:{name}"
    core.output_map[outputs[scores]] = f"scores:{scores}"
    post = steps.add(model_name=f"{service_id}.{POST}", model_version=-1)
    post.input_map[scores] = f"scores:{scores}"
    for name in ("label", "confidence", "probabilities"):
        post.output_map[name] = name
    return config


def _add_answer(config: pb.ModelConfig, model: ModelFile) -> None:
    config.output.add(name="label", data_type=pb.TYPE_STRING, dims=[1])
    config.output.add(name="confidence", data_type=pb.TYPE_FP32, dims=[1])
    config.output.add(name="probabilities", data_type=pb.TYPE_FP32, dims=[len(model.labels)])
