"""How model entries are named: `<service>` is the ensemble, `<service>.pre|core|post` are its steps."""

import re

PRE, CORE, POST = "pre", "core", "post"

_OURS = re.compile(r"(svc-[0-9a-z]{26})(?:\.(?:pre|core|post))?")


def entry_names(service_id: str) -> tuple[str, str, str, str]:
    """The folders of one service. The ensemble is the last: where it is, the steps are."""
    return (f"{service_id}.{PRE}", f"{service_id}.{CORE}", f"{service_id}.{POST}", service_id)


def service_of(entry: str) -> str:
    """The service that an entry belongs to; empty for models that are not the platform's."""
    found = _OURS.fullmatch(entry)
    return found.group(1) if found else ""
