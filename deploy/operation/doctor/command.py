"""`modelyard doctor`."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import httpx
import typer

from deploy.operation import PANEL
from services.gateway.cli import output, session
from services.gateway.client import Client
from services.kernel.diagnosis import Finding, Level, examined, warning

if TYPE_CHECKING:
    from deploy.embedded.settings import Instance

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
    """All findings: the machine first, then the servers, then the platform."""
    from deploy.operation.settings import embedded_instance

    instance = embedded_instance()
    if instance is not None and not (instance.home / "secrets").is_dir():
        instance = None
    url = _address(instance)
    told = _platform(url, instance)
    yield from _machine(instance, platform_answers=len(told) > 1)
    yield from told


def _address(instance: "Instance | None") -> str:
    named = any(os.environ.get(name) for name in ("MODELYARD_URL", "MODELYARD_GATEWAY_HTTP"))
    return f"http://{instance.address('gateway-http')}" if instance and not named else session.default_url()


def _platform(url: str, instance: "Instance | None") -> list[Finding]:
    """What the platform says of itself; one finding when nobody answers."""
    from deploy.operation.doctor import platform
    from services.gateway.client import ApiError

    found = examined("gateway", lambda: platform.ready(url))
    if found[0].level is Level.WRONG:
        return found
    found += examined("certificate", lambda: platform.certificate(url))
    try:
        with _client(url, instance) as client:
            found += platform.condition(client)
    except session.NotSignedIn as error:
        found.append(warning("platform", "its condition was not asked for", str(error)))
    except (ApiError, httpx.TransportError) as error:
        found.append(platform.not_told(error))
    return found


def _client(url: str, instance: "Instance | None") -> Client:
    """On the machine of an embedded instance as its administrator, should the first password still hold."""
    from deploy.embedded.secrets import secret_path
    from services.gateway.client import ApiError

    password = secret_path(instance.home, "admin_password") if instance else None
    if password is not None and password.is_file():
        client = Client(url, patience_s=session.PATIENCE_S)
        with suppress(ApiError):
            client.sign_in("admin", password.read_text().strip())
            return client
    return session.connect()


def _machine(instance: "Instance | None", *, platform_answers: bool) -> Iterator[Finding]:
    """The embedded instance of this machine, or the servers that the environment names; nothing when there are none."""
    from deploy.operation.doctor.instance import instance_findings, server_findings
    from deploy.operation.errors import OperationError
    from deploy.operation.settings import embedded_instance, platform_settings

    if instance is not None:
        yield from instance_findings(instance, platform_answers=platform_answers)
    elif embedded_instance() is None:
        try:
            settings = platform_settings()
        except OperationError as error:
            yield warning("servers", "they were not examined", str(error))
        else:
            yield from server_findings(settings, platform_answers=platform_answers)
