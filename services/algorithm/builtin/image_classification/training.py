"""SGD training with learning-rate policies, checkpoints and an exact resume."""

import json
import math
import time
from dataclasses import dataclass

import modelyard_sdk as sdk
import torch
from images import Images, augment
from torch import Tensor, nn
from torch.nn import functional

SAVE_EVERY_SECONDS = 15.0


@dataclass(frozen=True)
class Settings:
    """The run's parameters, typed."""

    epochs: int
    batch_size: int
    base_lr: float
    lr_policy: str
    gamma: float
    power: float
    momentum: float
    weight_decay: float
    seed: int
    augment: bool

    @classmethod
    def read(cls, params: sdk.Parameters) -> "Settings":
        """Take the settings from validated parameters."""
        return cls(
            epochs=params.integer("epochs"),
            batch_size=params.integer("batch_size"),
            base_lr=params.number("base_lr"),
            lr_policy=params.text("lr_policy"),
            gamma=params.number("gamma"),
            power=params.number("power"),
            momentum=params.number("momentum"),
            weight_decay=params.number("weight_decay"),
            seed=params.integer("seed"),
            augment=params.flag("augment"),
        )

    def learning_rate(self, iteration: int, max_iter: int) -> float:
        """Learning rate of `iteration` (from 0) out of `max_iter`, by the policies of Caffe's solver."""
        if self.lr_policy == "exp":
            return float(self.base_lr * self.gamma**iteration)
        if self.lr_policy == "inv":
            return float(self.base_lr * (1 + self.gamma * iteration) ** -self.power)
        if self.lr_policy == "poly":
            return float(self.base_lr * (1 - iteration / max_iter) ** self.power)
        return self.base_lr


class Training:
    """Trains `network` on `train`, judging on `test` after each epoch.

    Order and augmentation of a batch depend on seed, epoch and iteration only, so that a resumed run on CPU does
    what the uninterrupted one does.
    """

    def __init__(
        self,
        run: sdk.Run,
        network: nn.Module,
        normalise: nn.Module,
        *,
        train: Images,
        test: Images,
        device: torch.device,
    ) -> None:
        self.run, self.device = run, device
        self.network, self.normalise = network.to(device), normalise.to(device)
        self.train, self.test = train, test
        self.settings = Settings.read(run.params)
        self.batch = min(self.settings.batch_size, len(train.samples))
        full, rest = divmod(len(train.samples), self.batch)
        # batch normalisation cannot learn from a batch of one
        self.steps = full + (rest > 1)
        self.max_iter = self.steps * self.settings.epochs
        self.iteration = 0
        self._saved = time.monotonic()
        self.optimizer = torch.optim.SGD(
            self.network.parameters(),
            lr=self.settings.base_lr,
            momentum=self.settings.momentum,
            weight_decay=self.settings.weight_decay,
        )

    def fit(self) -> None:
        """Train to the end; saves checkpoints between epochs, and stops with one when the run is to stop."""
        self._resume()
        while self.iteration < self.max_iter:
            epoch, step = divmod(self.iteration, self.steps)
            order = torch.randperm(len(self.train.samples), generator=self._generator(epoch))
            for at in range(step, self.steps):
                if self.run.stopping:
                    self._save()
                    self.run.stop()
                self._step(order[at * self.batch : (at + 1) * self.batch])
                self.run.progress(self.iteration, self.max_iter, "training")
            predicted, _ = self.predict(self.test)
            accuracy = float((predicted == self.test.labels).float().mean())
            self.run.metrics.log(epoch + 1, accuracy=accuracy)
            print(f"epoch {epoch + 1}/{self.settings.epochs}: accuracy {accuracy:.4f}", flush=True)
            if time.monotonic() - self._saved >= SAVE_EVERY_SECONDS:
                self._save()

    def predict(self, images: Images) -> tuple[Tensor, Tensor]:
        """Return predicted classes (n, int64) and their probabilities (n, float32)."""
        self.network.eval()
        answers: list[Tensor] = []
        with torch.no_grad():
            for rows in torch.arange(len(images.samples)).split(256):
                logits = self.network(self.normalise(images.batch(rows).to(self.device)))
                answers.append(functional.softmax(logits, dim=1).cpu())
        confidence, predicted = torch.cat(answers).max(dim=1)
        return predicted, confidence

    def _step(self, rows: Tensor) -> None:
        rate = self.settings.learning_rate(self.iteration, self.max_iter)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        images = self.train.batch(rows)
        if self.settings.augment:
            images = augment(images, self._generator(self.settings.epochs + self.iteration))
        self.network.train()
        logits = self.network(self.normalise(images.to(self.device)))
        loss = functional.cross_entropy(logits, self.train.labels[rows].to(self.device))
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.iteration += 1
        value = float(loss.detach())
        if not math.isfinite(value):
            raise sdk.ContractError(
                f"parameter 'base_lr': the loss is {value} at iteration {self.iteration}, "
                f"expected a smaller learning rate than {self.settings.base_lr}"
            )
        self.run.metrics.log_limited(self.iteration, loss=value, learning_rate=rate)

    def _generator(self, number: int) -> torch.Generator:
        return torch.Generator().manual_seed(self.settings.seed * 1_000_003 + number)

    def _fingerprint(self) -> str:
        return json.dumps([self.run.params.as_dict(), self.run.dataset.digest, self.steps], sort_keys=True)

    def _save(self) -> None:
        if self.run.checkpoint.enabled and self.run.rank == 0:
            state = {
                "network": self.network.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "iteration": self.iteration,
                "fingerprint": self._fingerprint(),
            }
            with self.run.checkpoint.writing(self.iteration) as folder:
                torch.save(state, folder / "state.pt")
        self._saved = time.monotonic()

    def _resume(self) -> None:
        folder = self.run.checkpoint.latest()
        if folder is None:
            return
        state = torch.load(folder / "state.pt", map_location=self.device, weights_only=True)
        if state["fingerprint"] != self._fingerprint():
            print("the checkpoint belongs to other parameters or data: training starts from the beginning", flush=True)
            return
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.iteration = state["iteration"]
        print(f"resumed at iteration {self.iteration} of {self.max_iter}", flush=True)
