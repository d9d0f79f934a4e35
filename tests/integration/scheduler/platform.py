"""The scheduler's processes, started and killed by tests."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import grpc
import pymongo

from protos.common.v1 import common_pb2
from protos.scheduler.v1 import agent_pb2_grpc, workload_pb2, workload_pb2_grpc
from services.kernel.config import KernelSettings
from services.kernel.errors import DomainError
from services.kernel.grpc import client
from services.scheduler.engines.process.engine import Place, ProcessEngine
from tests.support.polling import eventually

State = workload_pb2.Workload
RUNNING = State.STATE_RUNNING
EXITED = State.STATE_EXITED


class Process:
    """A process of the platform; its output goes to a file."""

    def __init__(self, arguments: list[str], environment: dict[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "services.scheduler", *arguments],
                env={**os.environ, **environment},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def terminate(self) -> int:
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(25)


class Platform:
    """A scheduler with as many agents as a test wants."""

    def __init__(self, environment: dict[str, str], root: Path) -> None:
        self._environment = {**environment, "MODELYARD_RUNTIME_PYTHON": sys.executable}
        self._root = root
        settings = {name.removeprefix("MODELYARD_").lower(): value for name, value in self._environment.items()}
        self.settings = KernelSettings.model_validate(settings)
        self.channel: grpc.Channel = client.connect(self.settings, "scheduler", as_service="tests")
        self.workloads = workload_pb2_grpc.WorkloadServiceStub(self.channel)
        self.nodes = workload_pb2_grpc.NodeServiceStub(self.channel)
        self.agents = agent_pb2_grpc.AgentServiceStub(self.channel)
        self.scheduler: Process | None = None
        self._agents: list[Process] = []

    def start_scheduler(self) -> None:
        self.scheduler = Process(["rpc", "control"], self._environment, self._root / "scheduler.log")
        eventually(self._answers, 30)

    def start_agent(self, name: str, *, cpu_millis: int = 2000, **variables: str) -> Process:
        environment = {
            **self._environment,
            "MODELYARD_AGENT_HOME": str(self._root / name),
            "MODELYARD_AGENT_NAME": name,
            "MODELYARD_AGENT_CPU_MILLIS": str(cpu_millis),
            **variables,
        }
        agent = Process(["agent"], environment, self._root / f"{name}.log")
        self._agents.append(agent)
        eventually(lambda: self.node(name).state == "ready", 30)
        return agent

    def reset(self) -> None:
        """Kill the agents with all that they left, and forget nodes and workloads."""
        for agent in self._agents:
            agent.kill()
        self._agents.clear()
        for folder in self._root.glob("*/work/*/*"):
            ProcessEngine().remove(Place(folder, self._root / "none"))
        with pymongo.MongoClient[dict[str, object]](self.settings.mongo_uri.get_secret_value()) as client:
            for collection in ("nodes", "workloads"):
                client["modelyard_scheduler"][collection].delete_many({})

    def stop(self) -> None:
        self.reset()
        if self.scheduler is not None:
            self.scheduler.terminate()
        self.channel.close()

    def node(self, name: str) -> workload_pb2.Node:
        found = [node for node in self.nodes.ListNodes(workload_pb2.ListNodesRequest()).nodes if node.name == name]
        assert found, f"no node {name}"
        return found[0]

    def submit(self, request_id: str, source: str, *, cpu_millis: int = 1000, grace_s: int = 0) -> State:
        spec = workload_pb2.WorkloadSpec(
            name="test",
            kind=workload_pb2.WORKLOAD_KIND_TRAINING,
            engine="process",
            resources=common_pb2.Resources(cpu_millis=cpu_millis, memory_bytes=256 << 20),
            workers=1,
            command=["python", "-c", source],
            grace_s=grace_s,
        )
        request = workload_pb2.SubmitWorkloadRequest(spec=spec, request_id=request_id, owner="user-1", project="p")
        return self.workloads.SubmitWorkload(request)

    def get(self, workload_id: str) -> State:
        return self.workloads.GetWorkload(workload_pb2.GetWorkloadRequest(id=workload_id))

    def until(self, workload_id: str, holds: Callable[[State], bool], timeout: float = 20) -> State:
        def looked() -> State | None:
            found = self.get(workload_id)
            assert holds(found), str(found)
            return found

        found = eventually(looked, timeout)
        assert found is not None
        return found

    def log(self, workload_id: str, *, follow: bool = False) -> str:
        request = workload_pb2.ReadLogRequest(id=workload_id, follow=follow)
        return b"".join(chunk.data for chunk in self.workloads.ReadLog(request, timeout=60)).decode()

    def _answers(self) -> bool:
        try:
            self.nodes.ListNodes(workload_pb2.ListNodesRequest(), timeout=2)
        except DomainError:
            return False
        return True
