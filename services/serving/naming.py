"""How model entries are named: `<service>` is what clients ask, `<service>.pre|core|post` are steps of an ensemble."""

import re
from enum import IntEnum

PRE, CORE, POST = "pre", "core", "post"


class Layout(IntEnum):
    """How a service stands in the model repository; the number is stored with the entry.

    ENSEMBLE: four entries, whose `.core` any full Triton can serve with a backend of its own. WHOLE: one Python model.
    """

    ENSEMBLE = 1
    WHOLE = 2


_OURS = re.compile(r"(svc-[0-9a-z]{26})(?:\.(?:pre|core|post))?")


def entry_names(service_id: str) -> tuple[str, str, str, str]:
    """All folders that a service may have. What clients ask is the last: where it is, the steps are."""
    return (f"{service_id}.{PRE}", f"{service_id}.{CORE}", f"{service_id}.{POST}", service_id)


def service_of(entry: str) -> str:
    """The service that an entry belongs to; empty for models that are not the platform's."""
    found = _OURS.fullmatch(entry)
    return found.group(1) if found else ""
