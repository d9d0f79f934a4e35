"""What the scheduler does by itself: the role `control`."""

import threading
from collections.abc import Sequence

from services.kernel import control as kernel_control
from services.kernel.control import Loop, transaction
from services.kernel.retention import retention_settings
from services.kernel.storage.holds import objects_held
from services.scheduler.bootstrap import App, build
from services.scheduler.core.preparation import compile_all
from services.scheduler.counts import SchedulerCounts
from services.scheduler.forgetting import Forgetting
from services.scheduler.handlers.placement import NodeLoss, Placement

FORGET_S = 3600.0


def loops(app: App) -> Sequence[Loop]:
    placement = Placement(app.workloads, app.nodes, app.queues, app.fences, app.ledger, transaction)
    loss = NodeLoss(app.workloads, app.nodes, transaction)
    return (
        Loop("placement", placement.run, interval_s=1.0, wake_on=("workloads", "nodes", "queues")),
        Loop("node-loss", loss.run, interval_s=1.0),
        Loop(
            "forgetting", Forgetting(app, retention_settings().kept("workloads"), objects_held).run, interval_s=FORGET_S
        ),
    )


def control(stop: threading.Event) -> None:
    """Run the loops and the outbox relay while this process holds the control lease."""
    compile_all()  # before the lease: another may hold it meanwhile
    app = build()
    counts = SchedulerCounts(app.workloads, app.nodes).all()
    kernel_control.run("scheduler", app.settings, loops(app), stop, counts=counts)
