"""Commands and queries about algorithms that are there."""

from dataclasses import dataclass

from services.algorithm.domain import Algorithm
from services.algorithm.ports import AlgorithmFilter, Ports
from services.kernel.entity import Visibility
from services.kernel.pages import Page
from services.kernel.rights import require_may_give, require_owner, require_visible


@dataclass
class AlgorithmChange:
    """New values; None leaves a field as it is."""

    title: dict[str, str] | None = None
    description: str | None = None
    visibility: Visibility | None = None


@dataclass(frozen=True)
class UpdateAlgorithm:
    id: str
    etag: str
    change: AlgorithmChange


def get_algorithm(algorithm_id: str, ports: Ports) -> Algorithm:
    algorithm = ports.algorithms.get(algorithm_id)
    require_visible(algorithm)
    return algorithm


def list_algorithms(wanted: AlgorithmFilter, page_size: int, page_token: str, ports: Ports) -> Page[Algorithm]:
    return ports.algorithms.listed(wanted, page_size, page_token)


def update_algorithm(command: UpdateAlgorithm, ports: Ports) -> Algorithm:
    algorithm = _own(command.id, command.etag, ports)
    change = command.change
    require_may_give(change.visibility)
    algorithm.change(title=change.title, description=change.description, visibility=change.visibility)
    ports.algorithms.save(algorithm)
    return algorithm


def delete_algorithm(algorithm_id: str, etag: str, ports: Ports) -> None:
    algorithm = _own(algorithm_id, etag, ports)
    algorithm.delete()
    ports.algorithms.delete(algorithm)


def online_algorithm(algorithm_id: str, etag: str, ports: Ports) -> Algorithm:
    algorithm = _own(algorithm_id, etag, ports)
    algorithm.go_online()
    ports.algorithms.save(algorithm)
    return algorithm


def offline_algorithm(algorithm_id: str, etag: str, ports: Ports) -> Algorithm:
    algorithm = _own(algorithm_id, etag, ports)
    algorithm.go_offline()
    ports.algorithms.save(algorithm)
    return algorithm


def _own(algorithm_id: str, etag: str, ports: Ports) -> Algorithm:
    algorithm = ports.algorithms.get_for_change(algorithm_id, etag)
    require_owner(algorithm)
    return algorithm
