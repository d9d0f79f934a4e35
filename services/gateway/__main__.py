"""`python -m services.gateway gateway control`."""

import sys

from services.kernel.process import main

ROLES = {"gateway": "services.gateway.server:run", "control": "services.gateway.control:run"}

if __name__ == "__main__":
    sys.exit(main("gateway", ROLES))
