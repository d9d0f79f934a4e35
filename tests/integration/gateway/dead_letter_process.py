"""The part of the gateway's control role that deals with dead letters, to be killed: `python -m … QUEUE`."""

import sys
import threading

from services.gateway.bootstrap import dead_letters_of
from services.gateway.config import gateway_settings
from services.gateway.deadletters.collecting import CollectorThread, replay_requested
from services.kernel.errors import Unavailable
from services.kernel.storage import mongo


def main(queue: str) -> None:
    settings = gateway_settings()
    mongo.connect(settings, "gateway")
    letters, stop = dead_letters_of(settings), threading.Event()

    async def queues() -> list[str]:
        return [queue]

    CollectorThread(settings, letters, queues, stop).start()
    print("ready", flush=True)
    while not stop.wait(0.01):
        try:
            replay_requested(settings, letters)
        except Unavailable as error:
            print(error, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
