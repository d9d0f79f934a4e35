"""`modelyard doctor`."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from deploy.operation import PANEL
from services.gateway.cli import output, session
from services.kernel.diagnosis import Finding, Level, examined, ok, warning

_SIGNS = {Level.OK: ("✓", "green"), Level.WARNING: ("!", "yellow"), Level.WRONG: ("✗", "red")}


def register(app: typer.Typer) -> None:
    app.command("doctor", rich_help_panel=PANEL)(doctor)


def doctor(
    as_json: Annotated[bool, typer.Option("--json")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only what is not well.")] = False,
) -> None:
    """Find what is wrong and say what to do. Also when the platform is down; exit code 1 when something is wrong."""
    from rich.text import Text

    findings: list[Finding] = []
    for finding in examine():
        findings.append(finding)
        if not as_json and not (quiet and finding.level is Level.OK):
            sign, style = _SIGNS[finding.level]
            output.console.print(Text(sign, style=style), Text(f"{finding.check}: {finding.message}"), soft_wrap=True)
            if finding.advice:
                output.console.print(Text(f"  → {finding.advice}", style="dim"), soft_wrap=True)
    if as_json:
        output.print_json({"well": not _wrong(findings), "findings": [asdict(finding) for finding in findings]})
    elif not _wrong(findings):
        output.console.print("Nothing is wrong.")
    if _wrong(findings):
        raise typer.Exit(1)


def _wrong(findings: Sequence[Finding]) -> bool:
    return any(finding.level is Level.WRONG for finding in findings)


def examine() -> Iterator[Finding]:
    """All findings, as they come: the machine first, then the servers, then the platform."""
    told = _platform()
    yield from _machine(platform_answers=told is not None)
    yield from told if told is not None else _away()


def _platform() -> list[Finding] | None:
    """What the platform says of itself; None when nobody answers."""
    from deploy.operation.doctor import platform
    from services.gateway.client import ApiError

    url = session.default_url()
    found = examined("gateway", lambda: platform.ready(url))
    if found[0].level is Level.WRONG:
        return None
    found += examined("certificate", lambda: platform.certificate(url))
    try:
        with session.connect() as client:
            found += platform.condition(client)
    except session.NotSignedIn as error:
        found.append(warning("platform", "its condition was not asked for", str(error)))
    except ApiError as error:
        found.append(platform.signed_in(error))
    return found


def _away() -> list[Finding]:
    from deploy.operation.doctor import platform

    return examined("gateway", lambda: platform.ready(session.default_url()))


def _machine(*, platform_answers: bool) -> Iterator[Finding]:
    """The embedded instance of this machine, or the servers that the environment names; nothing when there are none."""
    from deploy.operation.doctor.instance import instance_findings, server_findings
    from deploy.operation.errors import OperationError
    from deploy.operation.settings import embedded_instance, platform_settings

    instance = embedded_instance()
    if instance is not None:
        if (instance.home / "secrets").is_dir():
            yield from instance_findings(instance, platform_answers=platform_answers)
        return
    try:
        settings = platform_settings()
    except OperationError as error:
        yield warning("servers", "they were not examined", str(error))
        return
    yield ok("servers", "as the environment names them")
    yield from server_findings(settings, platform_answers=platform_answers)
