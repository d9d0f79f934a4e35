"""`python -m services.algorithm rpc|control`."""

import sys

from services.kernel.process import main

ROLES = {
    "rpc": "services.algorithm.rpc:run",
    "control": "services.algorithm.control:run",
}

if __name__ == "__main__":
    sys.exit(main("algorithm", ROLES))
