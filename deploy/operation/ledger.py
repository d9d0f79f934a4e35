"""`modelyard ledger`: decide again what the scheduler decided, and what would have been."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.operation.errors import OperationError
from services.gateway.cli import output, session

if TYPE_CHECKING:
    from services.scheduler.core.ledger import Replayed, Round

ledger = typer.Typer(no_args_is_help=True)

_PAGE = 200
_MOMENTS = 10

Since = Annotated[
    datetime | None, typer.Option("--from", help="Local time, as 2026-01-31T08:00; all that is kept if left out.")
]
Until = Annotated[datetime | None, typer.Option("--to", help="Up to now if left out.")]


def register(app: typer.Typer) -> None:
    app.add_typer(ledger, name="ledger", help="Replay the scheduler's decisions, and ask what would have been.")


@ledger.command()
def replay(since: Since = None, until: Until = None, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Decide all rounds again and compare bit for bit; prints the shares over time. Fails when a decision differs."""
    from services.scheduler.core import ledger as core

    numbers, rounds = _rounds(since, until)
    replayed = list(core.replay(rounds))
    skipped = len(rounds) - len(replayed)
    wrong = [number for number, one in zip(numbers[skipped:], replayed, strict=True) if not one.same]
    placed = sum(len(one.round.placed) for one in replayed)
    if as_json:
        shares = [{"at": one.round.changes.at, "shares": one.shares} for one in _moments(replayed)]
        output.print_json({"rounds": len(replayed), "placed": placed, "differ": wrong, "shares": shares})
    else:
        _print_shares(replayed)
        output.console.print(f"{len(replayed)} rounds with {placed} placements decided again: {_verdict(wrong)}.")
    if wrong:
        raise typer.Exit(1)


@ledger.command("what-if")
def what_if(
    since: Since = None,
    until: Until = None,
    weights: Annotated[str, typer.Option(help="Other weights, as a=2,b=0.5.")] = "",
    add_nodes: Annotated[
        str, typer.Option(help="So many more nodes like the largest: 2, or 2x8 for 2 with 8 GPU cards each.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """How long the jobs of the ledger would have waited with other weights or more nodes."""
    from services.scheduler.core import whatif

    _, rounds = _rounds(since, until)
    try:
        past = whatif.history(rounds)
    except ValueError as error:
        raise OperationError(str(error)) from error
    changed = _weights(weights)
    if unknown := sorted(changed.keys() - {queue.name for queue in past.queues}):
        raise typer.BadParameter(f"there is no queue {', '.join(unknown)}", param_hint="--weights")
    queues = [replace(queue, weight=changed.get(queue.name, queue.weight)) for queue in past.queues]
    count, cards = _count(add_nodes)
    nodes = whatif.with_more_nodes(past.nodes, count, cards)
    before, after = whatif.waits(past, past.nodes, past.queues), whatif.waits(past, nodes, queues)
    if as_json:
        told = {
            name: {
                "jobs": was.jobs,
                "mean_s": [was.mean_s, after[name].mean_s],
                "longest_s": [was.longest_s, after[name].longest_s],
            }
            for name, was in before.items()
            if name in after
        }
        output.print_json(told)
        return
    output.table(
        ("QUEUE", "JOBS", "MEAN WAIT", "WOULD BE", "LONGEST", "WOULD BE"),
        (
            (
                name,
                was.jobs,
                *(f"{seconds:.1f} s" for seconds in (was.mean_s, then.mean_s, was.longest_s, then.longest_s)),
            )
            for name, was in before.items()
            if (then := after.get(name))
        ),
    )


def _rounds(since: datetime | None, until: datetime | None) -> "tuple[list[int], list[Round]]":
    numbers, rounds = [], []
    for number, round_ in _read(since, until):
        numbers.append(number)
        rounds.append(round_)
    if not rounds:
        raise OperationError("The ledger has no round of this time.")
    return numbers, rounds


def _read(since: datetime | None, until: datetime | None) -> "Iterator[tuple[int, Round]]":
    from services.scheduler.core import ledger as core

    limits = {name: at.astimezone().isoformat() for name, at in (("since", since), ("until", until)) if at is not None}
    with session.connect() as client:
        for row in client.pages("/api/v1/rounds", "rounds", page_size=_PAGE, **limits):
            try:
                yield int(row["number"]), core.load(row["body"].encode())
            except ValueError as error:
                raise OperationError(f"Round {row['number']} cannot be read: {error}") from error


def _print_shares(replayed: "Sequence[Replayed]") -> None:
    names = sorted({name for one in replayed for name in one.shares})
    output.table(
        ("TIME", *names),
        (
            (
                f"{datetime.fromtimestamp(one.round.changes.at).astimezone():%Y-%m-%d %H:%M:%S}",
                *(f"{one.shares.get(name, 0.0):.1%}" for name in names),
            )
            for one in _moments(replayed)
        ),
    )


def _moments(replayed: "Sequence[Replayed]") -> "list[Replayed]":
    """About ten, from the first to the last round."""
    last = len(replayed) - 1
    return [replayed[at] for at in sorted({round(last * at / (_MOMENTS - 1)) for at in range(_MOMENTS)}) if at <= last]


def _verdict(wrong: Sequence[int]) -> str:
    if not wrong:
        return "all come to the same"
    return f"{len(wrong)} come to something else, the first is round {wrong[0]}"


def _weights(text: str) -> dict[str, float]:
    found = {}
    for part in filter(None, text.split(",")):
        match = re.fullmatch(r"([^=]+)=(\d+(?:\.\d+)?)", part.strip())
        if match is None or not float(match[2]):
            raise typer.BadParameter(f"{part!r}: a queue, = and a weight above 0 are expected", param_hint="--weights")
        found[match[1]] = float(match[2])
    return found


def _count(text: str) -> tuple[int, int | None]:
    """How many nodes, and how many cards each has if that is said."""
    match = re.fullmatch(r"(\d+)(?:x(\d+))?", text or "0")
    if match is None:
        raise typer.BadParameter(f"{text!r}: 2 or 2x8 is expected", param_hint="--add-nodes")
    return int(match[1]), int(match[2]) if match[2] else None
