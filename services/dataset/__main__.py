"""`python -m services.dataset rpc|control|worker`."""

import sys

from services.kernel.process import main

ROLES = {
    "rpc": "services.dataset.rpc:run",
    "control": "services.dataset.control:run",
    "worker": "services.dataset.worker:run",
}

if __name__ == "__main__":
    sys.exit(main("dataset", ROLES))
