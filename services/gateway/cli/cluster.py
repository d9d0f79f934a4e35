"""Nodes, queues, and why something waits."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from services.gateway.cli import output, session
from services.gateway.client import Client

GIB = 2**30
AMOUNTS = {
    "cpu_millis": ("cores", 1000),
    "memory_bytes": ("GiB of memory", GIB),
    "gpu_millis": ("GPU cards", 1000),
    "gpu_memory_bytes": ("GiB of GPU memory", GIB),
}
"""Names and units of amounts, by their fields."""

nodes = typer.Typer(invoke_without_command=True)
queues = typer.Typer(invoke_without_command=True)


@nodes.callback()
def list_nodes(context: typer.Context, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Nodes of the cluster and what is in use."""
    if context.invoked_subcommand:
        return
    with session.connect() as client:
        found = list(client.pages("/api/v1/nodes", "nodes"))
    if as_json:
        output.print_json(found)
        return
    output.table(
        ("NODE", "ENGINE", "STATE", "CORES", "MEMORY GiB", "GPU CARDS"),
        (
            (
                node["name"],
                node["engine"],
                f"{node['state']}, drained" if node.get("drained") else node["state"],
                *(_use(node, amount) for amount in ("cpu_millis", "memory_bytes", "gpu_millis")),
            )
            for node in found
        ),
    )


@nodes.command()
def drain(name: Annotated[str, typer.Argument(help="Name or id of the node.")]) -> None:
    """Give nothing new to a node; what runs there goes on."""
    _set_drained(name, "drain")


@nodes.command()
def resume(name: Annotated[str, typer.Argument(help="Name or id of the node.")]) -> None:
    """Let a drained node take workloads again."""
    _set_drained(name, "resume")


def _set_drained(name: str, verb: str) -> None:
    with session.connect() as client:
        found = [node for node in client.pages("/api/v1/nodes", "nodes") if name in (node["name"], node["id"])]
        if len(found) != 1:
            known = f"{len(found)} nodes have the name {name}; give an id." if found else f"There is no node {name}."
            raise typer.BadParameter(known)
        client.post(f"/api/v1/nodes/{found[0]['id']}:{verb}")
    told = "takes nothing new; what runs there goes on" if verb == "drain" else "takes workloads again"
    output.console.print(f"{found[0]['name']} {told}.")


@queues.callback()
def list_queues(context: typer.Context, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """How the projects share the nodes."""
    if context.invoked_subcommand:
        return
    with session.connect() as client:
        found = list(client.pages("/api/v1/queues", "queues"))
    if as_json:
        output.print_json(found)
        return
    output.table(
        ("QUEUE", "WEIGHT", "SHARE", "USES", "QUOTA", "GUARANTEE", "RUNNING", "WAITING"),
        (
            (
                queue["id"],
                f"{queue['weight']:g}",
                f"{queue['share']:.1%}",
                *(amounts(queue.get(part) or {}) for part in ("used", "quota", "guarantee")),
                queue["running"],
                queue["waiting"],
            )
            for queue in found
        ),
    )


@queues.command("set")
def set_queue(
    project: Annotated[str, typer.Argument(help="The project whose queue it is.")],
    weight: Annotated[float | None, typer.Option(help="2 gets twice as much as 1 when both want more.")] = None,
    quota: Annotated[
        list[str] | None,
        typer.Option(help="At most so much, as cores=8, memory=16, gpus=2 or gpu-memory=80 (GiB); may be repeated."),
    ] = None,
    guarantee: Annotated[
        list[str] | None, typer.Option(help="It comes first while it has less; as --quota. 0 takes a limit away.")
    ] = None,
) -> None:
    """Set the weight, quota or guarantee of a project; it counts at once."""
    body: dict[str, object] = {}
    if weight is not None:
        body["weight"] = weight
    for name, given in (("quota", quota), ("guarantee", guarantee)):
        if given:
            body[name] = _limits(given)
    if not body:
        raise typer.BadParameter("give at least one of --weight, --quota and --guarantee")
    with session.connect() as client:
        queue = client.patch(f"/api/v1/queues/{project}", body)
    limits = "".join(
        f", {name} {amounts(queue[name])}"
        for name in ("quota", "guarantee")
        if any(_amount(queue, name, a) for a in AMOUNTS)
    )
    output.console.print(f"{queue['id']}: weight {queue['weight']:g}{limits}.")


_LIMITS = dict(zip(("cores", "memory", "gpus", "gpu-memory"), AMOUNTS, strict=True))


def _limits(given: Sequence[str]) -> dict[str, int]:
    found = {}
    for text in given:
        name, _, number = text.partition("=")
        try:
            field, value = _LIMITS[name], float(number)
        except (KeyError, ValueError) as error:
            raise typer.BadParameter(f"{text!r}: one of {', '.join(_LIMITS)}, = and a number are expected") from error
        found[field] = round(value * AMOUNTS[field][1])
    return found


def why(
    name: Annotated[str, typer.Argument(metavar="ID", help="A task or a workload.")],
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Why something waits, and what would have to happen for it to start."""
    with session.connect() as client:
        told = client.get(f"/api/v1/workloads/{_workload_of(client, name)}/explanation")
    if as_json:
        output.print_json(told)
        return
    state = output.short_state(told["state"])
    output.console.print(
        told["reason"] or ("It waits for the next round." if state == "pending" else f"It is {state}.")
    )
    if state != "pending":
        return
    output.console.print(
        f"Number {told['position']} of {told['waiting']} that wait in the queue {told['queue']}, which has"
        f" {told['share']:.1%}; {_queues(told['queues_before'])} with less."
    )
    for short in told["shortages"]:
        noun, unit = AMOUNTS[short["resource"]]
        needed, free = int(short["needed"]) / unit, int(short["most_free"]) / unit
        output.console.print(
            f"  {noun}: needs {needed:.4g}, at most {free:.4g} free;"
            f" too few on {short['nodes_short']} of {short['nodes']} nodes that are large enough"
        )
    if told.get("expected_start_at"):
        output.console.print(f"Expected to start at {told['expected_start_at']}.")


def _queues(count: int) -> str:
    return {0: "no queue waits", 1: "1 queue waits"}.get(count, f"{count} queues wait")


def _workload_of(client: Client, name: str) -> str:
    if not name.startswith("task-"):
        return name
    workload_id = str(client.get(f"/api/v1/tasks/{name}")["workload_id"])
    if not workload_id:
        raise typer.BadParameter(f"{name} has no workload: it was not started, or its start is being prepared.")
    return workload_id


def amounts(resources: Mapping[str, Any]) -> str:
    """As `2 cores, 4 GiB of memory`; a dash for nothing."""
    parts = [
        f"{int(resources[a]) / unit:.4g} {noun}" for a, (noun, unit) in AMOUNTS.items() if int(resources.get(a, 0))
    ]
    return ", ".join(parts) or "–"


def _amount(thing: Mapping[str, Any], part: str, amount: str) -> int:
    return int((thing.get(part) or {}).get(amount, 0))


def _use(node: Mapping[str, Any], amount: str) -> str:
    unit = AMOUNTS[amount][1]
    used, capacity = (_amount(node, part, amount) / unit for part in ("allocated", "capacity"))
    return f"{used:.1f} of {capacity:.1f}" if capacity else "–"
