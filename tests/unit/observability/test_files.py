"""The files for Prometheus and Grafana fit each other and the plan of the embedded instance."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.embedded.plan import PROCESSES
from deploy.embedded.settings import DEFAULT_PORT_BASE, METRICS_OFFSET, PORT_OFFSETS
from tests.support.promql import metrics_in
from tests.support.service_process import ROOT

FOLDER = ROOT / "deploy" / "observability"
ROWS = ["Overview", "API", "Events", "Training", "Scheduling", "Serving", "Storage", "Processes"]
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"] for rule in group["rules"]
]
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "grafana" / "dashboard.json").read_text())
QUERIES = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_a_rule_says_what_is_wrong_and_what_to_do(rule: dict[str, Any]) -> None:
    assert set(rule["annotations"]) == {"summary", "description", "action"}
    assert all(len(text) > 15 for text in rule["annotations"].values())
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert metrics_in(rule["expr"]) or rule["expr"].startswith("up")


def test_rules_have_names_of_their_own() -> None:
    names = [rule["alert"] for rule in RULES]
    assert len(set(names)) == len(names) > 20


@pytest.mark.parametrize("query", [*QUERIES, *(rule["expr"] for rule in RULES)])
def test_a_query_is_whole(query: str) -> None:
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', "", query)
    for opening, closing in ("()", "{}", "[]"):
        assert bare.count(opening) == bare.count(closing)


def test_the_dashboard_has_its_rows_and_nothing_overlaps() -> None:
    panels = DASHBOARD["panels"]
    assert [panel["title"] for panel in panels if panel["type"] == "row"] == ROWS
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not taken & cells, panel["title"]
        taken |= cells
        if panel["type"] != "row":
            assert panel["targets"], panel["title"]


def test_what_alerts_tell_of_is_on_the_dashboard() -> None:
    shown = {_family(name) for query in QUERIES for name in metrics_in(query)}
    alerted = {_family(name) for rule in RULES for name in metrics_in(rule["expr"])}
    assert alerted - shown - {"process_max_fds"} == set()


def _family(series: str) -> str:
    return re.sub(r"_(bucket|count|sum)$", "", series)


def test_prometheus_asks_every_process_of_the_embedded_instance() -> None:
    configured = yaml.safe_load((FOLDER / "prometheus.embedded.yml").read_text())
    targets = {
        static["labels"]["process"]: static["targets"]
        for job in configured["scrape_configs"]
        for static in job["static_configs"]
    }
    wanted = {
        process.name: [f"127.0.0.1:{DEFAULT_PORT_BASE + METRICS_OFFSET + index}"]
        for index, process in enumerate(PROCESSES)
    }
    triton = f"127.0.0.1:{DEFAULT_PORT_BASE + PORT_OFFSETS['triton-metrics']}"
    assert targets == wanted | {"triton": [triton]}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian's package prometheus) is not installed")
def test_prometheus_itself_takes_the_files(tmp_path: Path) -> None:
    for file in ("prometheus.yml", "prometheus.embedded.yml"):
        _promtool("config", str(FOLDER / file))
    # The queries of the dashboard, as rules: Grafana puts in its variables before it asks.
    rules = [
        {"record": f"panel:{number}", "expr": re.sub(r"\$__(rate_interval|range)", "5m", query)}
        for number, query in enumerate(QUERIES)
    ]
    path = tmp_path / "queries.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    _promtool("rules", str(path))


def _promtool(what: str, path: str) -> None:
    done = subprocess.run(["promtool", "check", what, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
