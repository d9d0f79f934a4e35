"""What `docker compose config` makes of deploy/compose."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.embedded.plan import PROCESSES
from tests.compose.conftest import FOLDER, resolved, run_compose

JOBS = {"mongodb-init", "bucket", "migrate"}
OWN_NETWORK = {"objectstore-data": {"storage"}, "objectstore": {"storage", "backend"}}
PUBLISHED = {"gateway", "grafana"}
Services = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def services(configuration: dict[str, Any]) -> Services:
    found: Services = configuration["services"]
    return found


def secrets_in(path: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in path.read_text().splitlines())


def test_profiles_and_the_file_for_gpus_are_understood(environment_file: Path) -> None:
    plain = resolved(environment_file)["services"]
    assert {"prometheus", "grafana"}.isdisjoint(plain)
    with_gpus = resolved(environment_file, "-f", str(FOLDER / "compose.gpu.yaml"))["services"]
    for name in ("triton", "scheduler-agent"):
        reserved = with_gpus[name]["deploy"]["resources"]["reservations"]
        assert reserved["devices"][0]["capabilities"] == ["gpu"]
        assert reserved["memory"] == plain[name]["deploy"]["resources"]["reservations"]["memory"]


def test_every_secret_is_needed(environment_file: Path, tmp_path: Path) -> None:
    for name in secrets_in(environment_file):
        if name == "MODELYARD_SUBSCRIBER_PASSWORD":  # for the subscriber; the broker is told its hash
            continue
        left = tmp_path / "env"
        left.write_text("".join(f"{k}={v}\n" for k, v in secrets_in(environment_file).items() if k != name))
        done = run_compose("--env-file", str(left), "config")
        assert not done.stdout
        assert f"{name} is missing a value: missing, run deploy/compose/make_env.py" in done.stderr


def test_without_secrets_nothing_starts(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("")
    done = run_compose("--env-file", str(tmp_path / "empty"), "create", "--dry-run")
    assert "missing, run deploy/compose/make_env.py" in done.stderr


def test_secrets_are_made_once_and_for_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("# mine\nMODELYARD_HTTP_PORTS=80-81\nMODELYARD_AMQP_PASSWORD=chosen\n")
    command = [sys.executable, str(FOLDER / "make_env.py"), str(path)]
    subprocess.run(command, check=True, timeout=30)
    first = path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert first.startswith("# mine\nMODELYARD_HTTP_PORTS=80-81\nMODELYARD_AMQP_PASSWORD=chosen\n")
    subprocess.run(command, check=True, timeout=30)
    assert path.read_text() == first
    path.write_text(first.replace("chosen", "another"))
    subprocess.run(command, check=True, timeout=30)
    changed = {line.split("=")[0] for line in set(path.read_text().splitlines()) - set(first.splitlines())}
    assert changed == {"MODELYARD_AMQP_PASSWORD", "MODELYARD_AMQP_PASSWORD_HASH"}


def test_the_example_names_every_variable(environment_file: Path) -> None:
    example = (FOLDER / ".env.example").read_text()
    named = set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", example, re.MULTILINE))
    used = set(re.findall(r"(?<!\$)\$\{([A-Z0-9_]+)", (FOLDER / "compose.yaml").read_text()))
    assert used | set(secrets_in(environment_file)) == named
    assert not re.search(r"^[A-Z0-9_]+=.", example, re.MULTILINE), "a default for a secret"


def test_no_secret_is_written_in_the_files(environment_file: Path) -> None:
    text = "".join(path.read_text() for path in FOLDER.iterdir() if path.is_file() and path.name != ".env")
    assert not re.search(r"(?i)(password|secret|key): *[a-z0-9]{6,}$", text, re.MULTILINE)


def test_every_image_is_pinned(services: Services) -> None:
    for name, service in services.items():
        _, _, tag = service["image"].rpartition(":")
        assert re.fullmatch(r"v?\d+\.\d+(\.\d+)?", tag), f"{name}: {service['image']}"
    arguments = re.findall(r"^ARG (?:BASE|TRITON)=(\S+)$", (FOLDER / "Dockerfile").read_text(), re.MULTILINE)
    assert len(arguments) == 2
    assert all(re.search(r":\d+\.\d+", image) for image in arguments)
    triton = next(image for image in arguments if "tritonserver" in image)
    assert re.search(r":(\d+\.\d+)-py3$", triton)
    assert triton.rpartition(":")[2] >= "25.07"


def test_every_service_is_limited_restarted_watched_and_its_log_is_bounded(services: Services) -> None:
    for name, service in services.items():
        resources = service["deploy"]["resources"]
        assert {"cpus", "memory", "pids"} <= set(resources["limits"]), name
        assert "memory" in resources["reservations"], name
        assert int(resources["reservations"]["memory"]) <= int(resources["limits"]["memory"]), name
        assert service["logging"]["options"]["max-size"], name
        assert service["stop_grace_period"], name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        if name in JOBS:
            assert service["restart"] == "on-failure:5"
        else:
            assert service["restart"] == "unless-stopped", name
            assert service["healthcheck"]["test"][0] == "CMD", name


def test_only_the_gateway_is_reached_from_outside(configuration: dict[str, Any], services: Services) -> None:
    assert {name for name, service in services.items() if service.get("ports")} == PUBLISHED
    assert configuration["networks"]["backend"]["internal"] and configuration["networks"]["storage"]["internal"]
    for name, service in services.items():
        expected = OWN_NETWORK.get(name, {"backend", "edge"} if name in PUBLISHED else {"backend"})
        assert set(service["networks"]) == expected, name
    for port in services["gateway"]["ports"]:
        assert port["host_ip"] == "127.0.0.1"


def test_every_process_is_there_and_the_stateless_ones_twice(services: Services) -> None:
    expected = {(process.service, role) for process in PROCESSES for role in process.roles if (process.service, role)}
    found = {
        (service["build"]["args"]["SERVICE"], *service["command"]): service["deploy"].get("replicas", 1)
        for name, service in services.items()
        if name not in JOBS and "SERVICE" in service.get("build", {}).get("args", {})
    }
    assert set(found) == expected
    assert {process for process, copies in found.items() if copies < 2} == {("scheduler", "agent")}


def test_the_platforms_containers_may_do_little(services: Services) -> None:
    for name, service in services.items():
        if not service["image"].startswith("modelyard/") or name == "triton":
            continue
        assert service["user"] == "10001:10001", name
        assert service["read_only"] and service["init"], name
        assert not service.get("privileged") and not service.get("cap_add"), name


def test_agents_know_neither_database_nor_broker(environment_file: Path, services: Services) -> None:
    told = json.dumps(services["scheduler-agent"]["environment"])
    known = secrets_in(environment_file)
    for name in ("MODELYARD_MONGO_PASSWORD", "MODELYARD_AMQP_PASSWORD", "MODELYARD_ADMIN_PASSWORD"):
        assert known[name] not in told


def test_the_order_of_the_start(services: Services) -> None:
    def needs(name: str) -> dict[str, str]:
        return {other: how["condition"] for other, how in services[name].get("depends_on", {}).items()}

    assert needs("mongodb-init") == {"mongodb": "service_healthy"}
    assert needs("migrate") == {
        "mongodb-init": "service_completed_successfully",
        "rabbitmq": "service_healthy",
        "bucket": "service_completed_successfully",
    }
    for process in ("dataset-rpc", "gateway", "scheduler-agent"):
        assert needs(process) == {"migrate": "service_completed_successfully"}


def test_the_broker_knows_two_users_without_power(configuration: dict[str, Any]) -> None:
    definitions = json.loads(configuration["configs"]["rabbitmq-definitions"]["content"].replace("$$", "$"))
    assert [user["tags"] for user in definitions["users"]] == [[], []]
    platform, subscriber = definitions["permissions"]
    for queue in ("trainer.scheduler.v1", "trainer.scheduler.v1.retry.1000ms", "dataset.events.log.dead"):
        assert re.search(platform["configure"], queue)
        assert not re.search(subscriber["read"], queue)
    assert re.search(platform["write"], "amq.default")
    for foreign in ("amq.topic", "mine", "xdataset.events"):
        assert not any(re.search(platform[kind], foreign) for kind in ("configure", "write", "read"))
    assert re.search(subscriber["read"], "trainer.events") and not re.search(subscriber["write"], "trainer.events")


def test_the_files_for_servers_are_what_the_servers_read(configuration: dict[str, Any]) -> None:
    contents = {name: config["content"].replace("$$", "$") for name, config in configuration["configs"].items()}
    store = json.loads(contents["objectstore"])
    assert [identity["name"] for identity in store["identities"]] == ["modelyard", "admin"]
    assert "Admin" not in store["identities"][0]["actions"]


def test_prometheus_asks_every_process_of_the_platform(configuration: dict[str, Any]) -> None:
    jobs = yaml.safe_load((FOLDER.parent / "observability" / "prometheus.yml").read_text())["scrape_configs"]
    assert (
        str(jobs[0]["dns_sd_configs"][0]["port"])
        == configuration["services"]["gateway"]["environment"]["MODELYARD_METRICS_PORT"]
    )
    scraped = set(jobs[0]["dns_sd_configs"][0]["names"])
    assert scraped == {
        name
        for name, service in configuration["services"].items()
        if name not in JOBS and service.get("build", {}).get("args", {}).get("SERVICE")
    }
