"""`python -m services.scheduler rpc|control|agent`."""

import sys

from services.kernel.process import main

if __name__ == "__main__":
    sys.exit(
        main(
            "scheduler",
            {
                "rpc": "services.scheduler.rpc.serve:rpc",
                "control": "services.scheduler.control:control",
                "agent": "services.scheduler.agent.main:agent",
            },
        )
    )
