"""The algorithm library. Standard library only."""

from dataclasses import dataclass, field
from enum import StrEnum

from services.kernel.entity import Entity, Visibility
from services.kernel.errors import FailedPrecondition, InvalidArgument
from services.kernel.ids import new_id
from services.kernel.values import BundleRef, Interface, Purpose

PLATFORM = "platform"
"""Owner of the preset algorithms."""

MAX_DESCRIPTION = 4000


class Device(StrEnum):
    CPU = "cpu"
    GPU = "gpu"
    ANY = "any"


@dataclass(frozen=True)
class TrainingCommand:
    """How a training run is started; `parameters_schema` is JSON Schema as text."""

    command: tuple[str, ...]
    args: tuple[str, ...]
    env: dict[str, str]
    device: Device
    parameters_schema: str


@dataclass(frozen=True)
class InferenceRuntime:
    framework: str
    device: Device
    interface: Interface


@dataclass(frozen=True)
class Definition:
    """What `algorithm.yaml` says; `code_hash` is over the algorithm's own files."""

    name: str
    title: dict[str, str]
    description: str
    major_version: int
    purpose: Purpose
    data_formats: tuple[str, ...]
    training: TrainingCommand
    inference: InferenceRuntime
    code_hash: str


@dataclass(kw_only=True)
class Algorithm(Entity):
    """An algorithm that tasks train with."""

    name: str
    major_version: int
    purpose: Purpose
    data_formats: tuple[str, ...]
    training: TrainingCommand
    inference: InferenceRuntime
    code: BundleRef
    code_hash: str
    title: dict[str, str] = field(default_factory=dict)
    description: str = ""
    online: bool = False

    @classmethod
    def create(cls, definition: Definition, code: BundleRef, *, owner: str, project: str) -> "Algorithm":
        algorithm = cls(
            id=new_id("alg"),
            project=project,
            owner=owner,
            name=definition.name,
            major_version=definition.major_version,
            purpose=definition.purpose,
            data_formats=definition.data_formats,
            training=definition.training,
            inference=definition.inference,
            code=code,
            code_hash=definition.code_hash,
            title=definition.title,
            description=definition.description,
        )
        algorithm.happened("created")
        return algorithm

    @classmethod
    def preset(cls, definition: Definition, code: BundleRef, *, project: str) -> "Algorithm":
        """Part of the platform: usable by all from the beginning."""
        algorithm = cls.create(definition, code, owner=PLATFORM, project=project)
        algorithm.visibility = Visibility.PRESET
        algorithm.go_online()
        return algorithm

    def follow(self, definition: Definition, code: BundleRef) -> bool:
        """Take over what a new release brings; False when it is the same.

        Other code of the algorithm is a new major version, another SDK around the same code is not.
        """
        changed_code = definition.code_hash != self.code_hash
        if not changed_code and code == self.code:
            return False
        if changed_code:
            self.major_version = max(self.major_version + 1, definition.major_version)
        self.title, self.description = definition.title, definition.description
        self.purpose, self.data_formats = definition.purpose, definition.data_formats
        self.training, self.inference = definition.training, definition.inference
        self.code, self.code_hash = code, definition.code_hash
        self.happened("updated")
        return True

    def change(self, *, title: dict[str, str] | None, description: str | None, visibility: Visibility | None) -> None:
        """Give new values to those that are not None."""
        if title is not None:
            self.title = title
        if description is not None:
            if len(description) > MAX_DESCRIPTION:
                raise InvalidArgument.field("algorithm.description", f"at most {MAX_DESCRIPTION} characters")
            self.description = description
        if visibility is not None:
            self.visibility = visibility
        self.happened("updated")

    def go_online(self) -> None:
        if self.online:
            raise FailedPrecondition(f"{self.name} is online already.", reason="ALGORITHM_ONLINE")
        self.online = True
        self.happened("onlined")

    def go_offline(self) -> None:
        if not self.online:
            raise FailedPrecondition(f"{self.name} is not online.", reason="ALGORITHM_OFFLINE")
        self.online = False
        self.happened("offlined")

    def delete(self) -> None:
        if self.online:
            raise FailedPrecondition(f"{self.name} is online; take it offline to delete it.", reason="ALGORITHM_ONLINE")
        self.happened("deleted")
