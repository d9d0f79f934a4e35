"""Compiling the allocation before it is needed."""

from dataclasses import replace

from services.scheduler.core.allocator import Allocator
from services.scheduler.core.specs import Job, NodeSpec, QueueSpec, Shape


def compile_all() -> None:
    """Call everything once that production calls: most of a minute, or half a second when it is kept from before."""
    shape = Shape((1, 1))
    allocator = Allocator([NodeSpec("node", (2, 2))], [QueueSpec("queue")])
    job = Job("waits", "queue", shape, submitted=0.0, estimate=1.0)
    allocator.submit(job)
    allocator.withdraw(job.id)
    allocator.adopt(replace(job, id="runs"), [("node", ())], started=0.0)
    allocator.round(now=0.0)
    allocator.finish("runs")
