"""`python -m deploy.embedded up|down|status|servers-up|servers-down|env|logs`."""

import argparse
import shlex
import sys

from deploy.embedded import logs
from deploy.embedded.secrets import secret_path
from deploy.embedded.settings import EmbeddedError, instance_from_environment
from deploy.embedded.stack import Stack


def _say(line: str) -> None:
    print(line, flush=True)


def _up(stack: Stack) -> int:
    stack.up(_say)
    instance = stack.instance
    _say("")
    _say(f"console       http://{instance.address('gateway-http')}")
    _say(f"gRPC          {instance.address('gateway')}")
    _say(f"user          admin, password in {secret_path(instance.home, 'admin_password')}")
    _say(f"state, logs   {instance.home}")
    _say("stop with     make down")
    return 0


def _servers_up(stack: Stack) -> int:
    stack.up(_say, last_stage="servers")
    return 0


def _down(stack: Stack) -> int:
    _say("stopping")
    _say("stopped; all state is kept" if stack.down() else "nothing was running")
    return 0


def _status(stack: Stack) -> int:
    rows = stack.status()
    if not rows:
        _say(f"nothing runs for {stack.instance.home}; start it with: make up")
        return 1
    _say(f"{'PROGRAM':<16} {'STATE':<10} {'PID':>8} {'UPTIME':>10}  ADDRESS")
    for row in rows:
        hours, rest = divmod(row.state.uptime, 3600)
        uptime = f"{hours}:{rest // 60:02}:{rest % 60:02}"
        _say(f"{row.state.name:<16} {row.state.state:<10} {row.state.pid or '-':>8} {uptime:>10}  {row.address}")
    return 0 if all(row.state.state == "RUNNING" for row in rows) else 1


def _env(stack: Stack) -> int:
    for name, value in stack.environment().items():
        _say(f"export {name}={shlex.quote(value)}")
    return 0


_COMMANDS = {
    "up": (_up, "start the platform; nothing happens to what runs already"),
    "down": (_down, "stop it and keep all state"),
    "status": (_status, "what runs; exit status 1 when something does not"),
    "servers-up": (_servers_up, "start RabbitMQ, MongoDB, the object store and Triton only"),
    "servers-down": (_down, "the same as down"),
    "env": (_env, "print the configuration, secrets included, as export lines for a shell"),
}


def _logs(options: argparse.Namespace) -> int:
    ids = tuple(filter(None, (options.task, options.workload, options.id)))
    if not ids and not options.trace:
        raise EmbeddedError("say whose logs: --task, --workload, --id or --trace")
    wanted = logs.Wanted(ids, options.trace, options.since)
    found = False
    for text in logs.lines(instance_from_environment().logs, wanted, as_json=options.json):
        found = True
        _say(text)
    return 0 if found else 1


def _add_logs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--task", default="", metavar="ID", help="all that was done for a training task")
    parser.add_argument("--workload", default="", metavar="ID", help="for one workload")
    parser.add_argument("--id", default="", help="for anything else that has an id: a data set, a service, a run")
    parser.add_argument("--trace", default="", metavar="ID", help="in one trace, as in the header X-Request-Id")
    parser.add_argument("--since", default="", metavar="TIME", help="from this time on, for example 2026-01-31T08:00")
    parser.add_argument("--json", action="store_true", help="the lines as they were written")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.embedded", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (_, text) in _COMMANDS.items():
        commands.add_parser(name, help=text)
    _add_logs(commands.add_parser("logs", help="the logs of all processes by task or trace, merged by time"))
    options = parser.parse_args()
    try:
        if options.command == "logs":
            return _logs(options)
        command, _ = _COMMANDS[options.command]
        return command(Stack(instance_from_environment()))
    except EmbeddedError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
