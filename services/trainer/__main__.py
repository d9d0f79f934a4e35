"""`python -m services.trainer rpc|control|events`."""

import sys

from services.kernel.process import main

if __name__ == "__main__":
    sys.exit(
        main(
            "trainer",
            {
                "rpc": "services.trainer.rpc:run",
                "control": "services.trainer.control:run",
                "events": "services.trainer.events:run",
            },
        )
    )
