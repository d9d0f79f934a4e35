"""`python -m services.serving ROLE…`."""

import sys

from services.kernel.process import main

ROLES = {
    "rpc": "services.serving.rpc:run",
    "control": "services.serving.control:run",
    "events": "services.serving.events:run",
}

if __name__ == "__main__":
    sys.exit(main("serving", ROLES))
