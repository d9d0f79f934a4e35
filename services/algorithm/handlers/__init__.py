"""The use cases: one function for each command or query."""

from services.algorithm.handlers.lifecycle import (
    AlgorithmChange,
    UpdateAlgorithm,
    delete_algorithm,
    get_algorithm,
    list_algorithms,
    offline_algorithm,
    online_algorithm,
    update_algorithm,
)
from services.algorithm.handlers.registering import create_algorithm, register_presets

__all__ = [
    "AlgorithmChange",
    "UpdateAlgorithm",
    "create_algorithm",
    "delete_algorithm",
    "get_algorithm",
    "list_algorithms",
    "offline_algorithm",
    "online_algorithm",
    "register_presets",
    "update_algorithm",
]
