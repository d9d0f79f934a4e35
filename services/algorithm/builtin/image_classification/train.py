"""Image classification: reads images, trains a small residual network, judges it and exports it to ONNX."""

import os

import modelyard_sdk as sdk
import torch
from images import Images, colour_mode, load, statistics
from network import SmallResNet
from torch import Tensor, nn
from training import Training


class Normalise(nn.Module):
    """Subtracts each channel's mean and divides by its standard deviation."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: list[float], std: list[float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Map values from 0 to 1 (batch, channels, h, w) to normalised ones."""
        return (images - self.mean) / self.std


def train(run: sdk.Run) -> None:
    """Train, judge and export by the run's parameters."""
    run.require_single_worker()
    if run.dataset.kind != "image":
        raise sdk.DatasetError(f"the data set holds '{run.dataset.kind}' samples, expected 'image'")
    device = _device(run.params.text("device"))
    _prepare_torch(run.params.integer("seed"))
    run.plan(reading=1, training=10, evaluation=0.5, export=3)

    mode, size = colour_mode(run.dataset), run.params.integer("img_size")
    learn, judge = _read(run, size, mode)
    mean, std = statistics(learn)
    network = SmallResNet(len(mean), len(run.dataset.classes), size)
    normalise = Normalise(mean, std)
    print(f"{len(learn.samples)} + {len(judge.samples)} images, {mode} {size}×{size}, on {device}", flush=True)

    training = Training(run, network, normalise, train=learn, test=judge, device=device)
    training.fit()
    run.progress(0, 1, "evaluation")
    predicted, confidence = training.predict(judge)
    report = sdk.classification_report(
        run.dataset, judge.samples, predicted.tolist(), confidence.tolist(), trained=len(learn.samples)
    )
    run.progress(0, 1, "export")
    weights = run.model_folder() / "model.onnx"
    real = normalise.cpu()(judge.batch(torch.arange(min(len(judge.samples), 32))))
    difference = sdk.export_onnx(network, real, weights)
    print(f"ONNX agrees with torch within {difference:.2g}", flush=True)
    preprocessing = sdk.ImagePreprocessing("image", "input", size, size, mode, mean, std)
    run.save_model(
        weights,
        sdk.Model(
            framework="onnx",
            inputs=[sdk.Tensor("input", "float32", [-1, len(mean), size, size])],
            outputs=[sdk.Tensor("logits", "float32", [-1, len(run.dataset.classes)])],
            labels=run.dataset.classes,
            preprocessing=preprocessing,
            postprocessing=sdk.Postprocessing("softmax", "logits"),
            metrics=report.overall(),
            parameters_count=sum(weight.numel() for weight in network.parameters()),
        ),
    )
    run.save_report(report)


def _read(run: sdk.Run, size: int, mode: str) -> tuple[Images, Images]:
    done = 0

    def tick() -> None:
        nonlocal done
        done += 1
        run.progress(done, len(run.dataset), "reading")

    run.progress(0, 1, "reading")
    learn, judge = load(run, "train", size, mode, tick), load(run, "test", size, mode, tick)
    run.metrics.log(0, non_compliant=len(run.dataset.non_compliant))
    return learn, judge


def _device(wanted: str) -> torch.device:
    available = torch.cuda.is_available()
    if wanted == "cuda" and not available:
        raise sdk.ContractError("parameter 'device': got \"cuda\", but no CUDA device is visible, expected cpu or auto")
    return torch.device("cuda" if available and wanted != "cpu" else "cpu")


def _prepare_torch(seed: int) -> None:
    torch.manual_seed(seed)
    # torch starts with OMP_NUM_THREADS, the platform's CPU limit; these small networks gain nothing beyond 8
    torch.set_num_threads(max(1, min(torch.get_num_threads(), len(os.sched_getaffinity(0)), 8)))
    torch.use_deterministic_algorithms(True, warn_only=True)


if __name__ == "__main__":
    sdk.main(train)
