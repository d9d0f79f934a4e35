"""Puts the agent together."""

import platform
import threading
from dataclasses import replace

from services.kernel import metrics
from services.kernel.grpc import client
from services.kernel.storage.objects import MinioStore
from services.kernel.values import Resources
from services.scheduler.adapters.client import GrpcScheduler
from services.scheduler.agent import capacity
from services.scheduler.agent.agent import Agent, NodeDescription
from services.scheduler.agent.home import AgentHome
from services.scheduler.agent.runner import Surroundings
from services.scheduler.config import SchedulerSettings, settings
from services.scheduler.engines.engine import Engine
from services.scheduler.engines.process.engine import ProcessEngine
from services.scheduler.engines.simulated import SimulatedEngine


def agent(stop: threading.Event) -> None:
    """The role `agent`: runs until `stop` is set."""
    configured = settings()
    metrics.watch_disk("agent", configured.agent_home)
    around = Surroundings(
        home=AgentHome(configured.agent_home),
        engine=_engine(configured),
        scheduler=GrpcScheduler(client.connect(configured, "scheduler", as_service="agent")),
        store=MinioStore(configured),
        stopping=stop,
        keep=configured.agent_keep,
    )
    Agent(NodeDescription(configured.agent_name or platform.node(), configured_capacity(configured)), around).run()


def _engine(configured: SchedulerSettings) -> Engine:
    if configured.agent_engine == "simulated":
        return SimulatedEngine()
    return ProcessEngine(
        configured.runtime_python,
        [part for part in configured.agent_cgroup.split(":") if part],
        sandboxed=configured.agent_sandbox != "off",
    )


def configured_capacity(configured: SchedulerSettings) -> Resources:
    """What was measured, with what the settings say instead."""
    said = {
        "cpu_millis": configured.agent_cpu_millis,
        "memory_bytes": configured.agent_memory_bytes,
        "gpu_millis": configured.agent_gpu_millis,
        "gpu_memory_bytes": configured.agent_gpu_memory_bytes,
    }
    return replace(capacity.measure(), **{name: value for name, value in said.items() if value})
