"""Triton's model repository as a folder: entries appear and go away whole.

Everything is made below `.staging` in the repository (same disk) and renamed. The steps come before the ensemble and go
after it, and the ensemble holds the marker that says what the entry is made of; so an entry with a marker is complete,
whenever the process was killed.
"""

import json
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from services.serving.entries.config import configs
from services.serving.entries.generator import build_entry, remove_tree, sync_folder, write_file
from services.serving.entries.modelfile import ModelFile, parse_model
from services.serving.naming import Layout, entry_names, service_of

_MARKER = "modelyard.json"
_MODEL = "model.yaml"


@dataclass(frozen=True)
class Marker:
    """What an entry was made of: bundle (SHA-256 of its index), number of instances, layout of the generator."""

    bundle: str
    load: int
    layout: Layout = Layout.WHOLE


class EntryRepository:
    """The platform's entries in a model repository; other models in it are left alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._staging = folder / ".staging"

    def clean(self) -> None:
        """Remove what killed processes left half made. Call it while no other process writes."""
        remove_tree(self._staging)

    def services(self) -> set[str]:
        """Services of which there is any folder, complete or not."""
        if not self.folder.is_dir():
            return set()
        return {service for path in self.folder.iterdir() if (service := service_of(path.name))}

    def names(self, service_id: str) -> list[str]:
        """The models that Triton has to have loaded for this service; empty when its entry is not complete."""
        if self.marker(service_id) is None:
            return []
        return [name for name in entry_names(service_id) if (self.folder / name).exists()]

    def marker(self, service_id: str) -> Marker | None:
        """What the entry is made of; None when there is none, or an unfinished one."""
        try:
            fields = json.loads((self.folder / service_id / _MARKER).read_text("utf-8"))
            return Marker(str(fields["bundle"]), int(fields["load"]), Layout(int(fields["layout"])))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, service_id: str, marker: Marker, fetch: Callable[[Path], None]) -> ModelFile:
        """Make the entry be as `marker` says; `fetch` fills a folder with the model where that is needed.

        Writes nothing when it is so already; another number of instances only replaces the configurations, which Triton
        takes over at the next load without an outage. Raises ModelRejected, and what `fetch` raises.
        """
        there = self.marker(service_id)
        if there == marker:
            return parse_model(self.folder / service_id / _MODEL)
        if there is not None and (there.bundle, there.layout) == (marker.bundle, marker.layout):
            return self._rescale(service_id, marker)
        self.remove(service_id)
        work = self._workspace()
        try:
            model, made = work / "model", work / "entry"
            fetch(model)
            made.mkdir()
            built = build_entry(service_id, model, made, marker.load, marker.layout)
            write_file(made / service_id / _MODEL, (model / _MODEL).read_bytes())
            write_file(made / service_id / _MARKER, json.dumps(asdict(marker)).encode())
            self._publish(service_id, made)
            return built
        finally:
            remove_tree(work)

    def remove(self, service_id: str) -> None:
        """Take all folders of a service away; the ensemble first."""
        present = [name for name in reversed(entry_names(service_id)) if (self.folder / name).exists()]
        if not present:
            return
        work = self._workspace()
        for name in present:
            (self.folder / name).replace(work / name)
        sync_folder(self.folder)
        remove_tree(work)

    def refresh(self, service_id: str) -> None:
        """Make Triton load all steps anew at the next load: it compares the times of the files."""
        now = time.time_ns()
        for name in entry_names(service_id):
            for path in (self.folder / name / "1").glob("*"):
                if path.is_file():
                    os.utime(path, ns=(now, now))

    def _rescale(self, service_id: str, marker: Marker) -> ModelFile:
        model = parse_model(self.folder / service_id / _MODEL)
        # Until the marker is back the entry counts as unfinished, so a kill in between makes it anew.
        (self.folder / service_id / _MARKER).unlink()
        for name, config in configs(service_id, model, marker.load, marker.layout).items():
            target = self.folder / name / "config.pbtxt"
            if target.read_text("utf-8") != config:
                self._replace(target, config.encode())
        self._replace(self.folder / service_id / _MARKER, json.dumps(asdict(marker)).encode())
        return model

    def _replace(self, path: Path, content: bytes) -> None:
        work = self._workspace()
        write_file(work / path.name, content)
        (work / path.name).replace(path)
        sync_folder(path.parent)
        remove_tree(work)

    def _publish(self, service_id: str, made: Path) -> None:
        for name in (name for name in entry_names(service_id) if (made / name).exists()):
            for folder in (made / name / "1", made / name):
                sync_folder(folder)
            (made / name).replace(self.folder / name)
        sync_folder(self.folder)

    def _workspace(self) -> Path:
        work = self._staging / secrets.token_hex(8)
        work.mkdir(parents=True)
        return work
