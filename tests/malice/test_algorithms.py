"""Algorithms of bad will over the public API: each ends as a failed task with a plain reason, or does no harm."""

import socket
from pathlib import Path

import pytest

from deploy.embedded.settings import PORT_OFFSETS
from services.gateway.client import Client
from services.gateway.client.api import JsonObject
from tests.e2e.conftest import Platform
from tests.e2e.test_bad_input import assert_nothing_is_in_use
from tests.malice.processes import MIB
from tests.malice.world import World
from tests.support import jobs
from tests.support.polling import eventually

CASES: dict[str, tuple[str, dict[str, object], str, str]] = {
    "memory file": (
        "import os, time\nfile = os.memfd_create('x')\nwhile True: os.write(file, bytes(8 << 20)); time.sleep(0.02)",
        {"resources": {"memory_bytes": 256 * MIB}},
        "OUT_OF_MEMORY",
        "256 MiB",
    ),
    "ignores SIGTERM": (
        "import signal, time\nfor n in range(1, 32):\n  try: signal.signal(n, signal.SIG_IGN)\n"
        "  except (OSError, ValueError): pass\nwhile True: time.sleep(1)",
        {"time_limit_s": 2},
        "TIME_LIMIT",
        "2 s",
    ),
    "leaves its session": (
        "import os, time\nif os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0: time.sleep(600)\n",
        {},
        "OUTPUT_INVALID",
        "report.json",
    ),
    "binary garbage": (
        "import os\nos.write(1, bytes(range(256)) * 1000)\n"
        "open(os.environ['MODELYARD_METRICS'], 'wb').write(bytes(range(256)) * 1000)\n",
        {},
        "OUTPUT_INVALID",
        "report.json",
    ),
    "metrics that are no numbers": (
        "import os\nfile = open(os.environ['MODELYARD_METRICS'], 'w')\n"
        "for value in ('NaN', 'Infinity', '1e999', 'null', '\"x\"', '[]', '9' * 5000):\n"
        '  print(\'{"step": 1, "name": "loss", "value": \' + value + \', "time": 1}\', file=file)\n',
        {},
        "OUTPUT_INVALID",
        "report.json",
    ),
    "links out of the output": (
        "import os\nfor name in ('report.json', 'model'):\n"
        "  os.symlink('/etc/passwd', os.environ['MODELYARD_OUTPUT'] + '/' + name)\n",
        {},
        "OUTPUT_INVALID",
        "report.json",
    ),
    "a sparse file of many gigabytes": (
        "import os, time\nfile = open(os.environ['MODELYARD_OUTPUT'] + '/sparse', 'wb')\nfile.truncate(1 << 40)\n"
        "while True: time.sleep(1)",
        {"time_limit_s": 60},
        "OUTPUT_TOO_LARGE",
        "GiB",
    ),
}


def ended(client: Client, world: World, script: str, **settings: object) -> JsonObject:
    algorithm = jobs.create_algorithm(client, world.folder, script)
    return jobs.ended_task(client, jobs.start_task(client, world.dataset, algorithm, **settings))


@pytest.mark.parametrize("name", CASES)
def test_it_fails_with_a_plain_reason(client: Client, world: World, name: str) -> None:
    script, settings, reason, told = CASES[name]
    task = ended(client, world, script, **settings)
    assert (task["state"], task["error_reason"]) == ("STATE_FAILED", reason), task["error"]
    assert told in task["error"]
    assert "Traceback" not in task["error"]


SPY = """
import os, socket
found = []
for port in {ports}:
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            socket.create_connection((host, port), timeout=1).close()
            found.append(f"port {{port}}")
        except OSError:
            pass
for path in {paths}:
    try:
        found.append(f"{{path}}: {{os.listdir(path) if os.path.isdir(path) else open(path, 'rb').read(10)}}")
    except OSError:
        pass
for pid in os.listdir("/proc"):
    if pid.isdigit():
        try:
            text = open(f"/proc/{{pid}}/environ", "rb").read()
        except OSError:
            continue
        if b"MODELYARD_TOKEN_KEY" in text or b"MONGO_URI" in text:
            found.append(f"environment of {{pid}}")
listening = socket.socket()
listening.bind(("0.0.0.0", {free}))
listening.listen()
print("found", found)
print("uid", os.getuid(), "secrets", [name for name in os.environ if "KEY" in name or "SECRET" in name])
"""


def test_it_sees_nothing_of_the_platform(client: Client, world: World, platform: Platform) -> None:
    ports = [platform.port_base + offset for offset in PORT_OFFSETS.values()]
    home = platform.home
    paths = [
        str(path)
        for path in (home / "secrets", home / "agent" / "node-id", home / "data", home / "logs", "/etc/shadow")
    ]
    task = ended(client, world, SPY.format(ports=ports, paths=paths, free=platform.port_base + 49))
    log = "\n".join(client.lines(f"/api/v1/tasks/{task['id']}/log"))
    assert "found []" in log, log
    assert "secrets []" in log
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", platform.port_base + 49)) != 0


def test_the_node_is_as_before(client: Client, world: World, platform: Platform) -> None:
    assert_nothing_is_in_use(client)
    assert eventually(lambda: not list((Path(platform.home) / "agent" / "work").glob("*/*")), timeout=60)
    assert world.answers_rightly()
