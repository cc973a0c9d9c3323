"""The programs and the files of the page on monitoring, and the debug page in Chromium."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import numpy as np
import pytest
import yaml
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from playwright.async_api import expect
from prometheus_client import CollectorRegistry

from fastrtc import Client
from fastrtc.metrics.instruments import Instruments
from fastrtc.testing import Call
from tests.demos.conftest import open_page, playwright  # noqa: F401
from tests.demos.running import MARKS, PATIENCE
from tests.support.peers import eventually
from tests.support.prometheus_server import prometheus_server
from tests.support.servers import serving
from tests.support.speech import recorded_prompt

from .pages import DOCS, ROOT

Snippet = Callable[[str], ModuleType]
METRIC = re.compile(r"\bfastrtc_\w+")


async def test_prometheus_needs_its_token(snippet: Snippet) -> None:
    module = snippet("monitoring/prometheus.py")
    transport = httpx.ASGITransport(module.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        assert "fastrtc_sessions" in (await client.get("/metrics")).text
        module.TOKEN = "key"
        assert (await client.get("/metrics")).status_code == 403
        headers = {"Authorization": "Bearer key"}
        assert (await client.get("/metrics", headers=headers)).status_code == 200


async def test_traces_contain_the_spans_of_the_program(snippet: Snippet) -> None:
    module, exporter = snippet("monitoring/traces.py"), InMemorySpanExporter()
    module.provider.add_span_processor(SimpleSpanProcessor(exporter))
    async with Call(module.stream) as call:
        await call.say((48_000, recorded_prompt("vm-goodbye", 48_000)))
        await call.reply()
        await call.finish()
    module.provider.shutdown()
    [think] = [span for span in exporter.get_finished_spans() if span.name == "think"]
    [function] = [span for span in exporter.get_finished_spans() if "function" in span.name]
    assert think.parent == function.context


def test_the_extra_has_what_the_programs_import() -> None:
    [extra] = re.findall(r"^metrics = \[(.*)]", (ROOT / "pyproject.toml").read_text("utf-8"), re.M)
    packages = re.findall(r'"([\w-]+)', extra)
    folders = {
        str(folder).replace("/", ".")
        for package in packages
        for file in distribution(package).files or ()
        for folder in file.parents
    }
    programs = [path.read_text("utf-8") for path in (DOCS / "src/monitoring").glob("*.py")]
    imported = re.findall(r"^from (opentelemetry\S*)", "\n".join(programs), re.M)
    assert len(imported) >= 3 and set(imported) <= folders


def names_of(text: str) -> set[str]:
    """The metrics in a text, without the suffixes of histograms."""
    return {re.sub("_(bucket|sum|count)$", "", name) for name in METRIC.findall(text)}


def test_the_dashboard_the_rules_and_the_page_name_the_metrics() -> None:
    registry = CollectorRegistry()
    Instruments(registry)
    known = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in registry.collect()
    }
    dashboard: Any = json.loads((DOCS / "monitoring/grafana.json").read_text("utf-8"))
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert names_of(" ".join(queries)) == known
    rules = yaml.safe_load((DOCS / "monitoring/rules.yml").read_text("utf-8"))
    alerts = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    assert names_of(" ".join(alerts)) <= known
    page = (DOCS / "monitoring.md").read_text("utf-8")
    assert {name for name in METRIC.findall(page) if f"| `{name}` |" in page} == known
    config = yaml.safe_load((DOCS / "monitoring/prometheus.yml").read_text("utf-8"))
    assert config["scrape_configs"][0]["metrics_path"] == "/metrics"
    assert config["rule_files"] == ["rules.yml"]


@pytest.mark.external("recorded-voices")
async def test_prometheus_scrapes_a_server_and_answers_each_query(
    snippet: Snippet, tmp_path: Path
) -> None:
    """With the files of the page, except for the address of the server and the time between."""
    config: Any = yaml.safe_load((DOCS / "monitoring/prometheus.yml").read_text("utf-8"))
    dashboard: Any = json.loads((DOCS / "monitoring/grafana.json").read_text("utf-8"))
    queries = [
        target["expr"].replace("$instance", ".*").replace("$__rate_interval", "1m")
        for panel in dashboard["panels"]
        for target in panel["targets"]
    ]
    goodbye = recorded_prompt("vm-goodbye", 48_000)
    with serving(snippet("monitoring/prometheus.py").app) as url:
        config["global"] = {"scrape_interval": "200ms", "evaluation_interval": "200ms"}
        config["scrape_configs"][0]["static_configs"] = [{"targets": [url.split("//")[1]]}]
        with prometheus_server(config, tmp_path, DOCS / "monitoring/rules.yml") as server:
            turns = 'fastrtc_turn_seconds_count{part="playout"}'
            for number in (1, 2):  # a rate needs two values
                async with Client(url, "websocket") as client:
                    await client.send_audio((48_000, goodbye))
                    await client.send_audio((48_000, np.zeros(3 * 48_000, np.int16)))
                    await eventually(lambda n=number: server.query(f"{turns} >= {n}"))
            await eventually(lambda: server.query(f"rate({turns}[1m]) > 0"))
            assert [query for query in queries if not server.query(query)] == []
            [group] = server.get("/rules")["groups"]
            assert {rule["health"] for rule in group["rules"]} == {"ok"}, group


class TestPages:
    pytestmark = [*MARKS, pytest.mark.external("recorded-voices")]

    async def test_the_debug_page(self, snippet: Snippet, open_page: Any) -> None:  # noqa: F811
        module = snippet("monitoring/debug.py")
        module.PASSWORD = "right"
        with serving(module.app) as url:
            async with httpx.AsyncClient(base_url=url) as http:
                assert (await http.get("/fastrtc/debug?password=wrong")).status_code == 403
            tab = await open_page(f"{url}/fastrtc/debug?password=right")
            page = tab.page
            refused: list[str] = []
            page.on("console", lambda line: refused.append(line.text))
            await expect(page.get_by_role("status")).to_have_text("Live", timeout=PATIENCE)
            await expect(page.get_by_text("No sessions")).to_be_visible()
            async with Client(url, "websocket") as client:
                goodbye = recorded_prompt("vm-goodbye", 48_000)
                await client.send_audio((48_000, goodbye))
                await client.send_audio((48_000, np.zeros(3 * 48_000, np.int16)))
                summary = page.locator("#sessions summary")
                await expect(summary).to_contain_text("websocket", timeout=PATIENCE)
                strips = page.get_by_role("option")
                await expect(strips.first).to_be_visible(timeout=PATIENCE)
                await strips.first.focus()
                await expect(page.get_by_text(re.compile("answered after"))).to_be_visible()
                await page.get_by_role("button", name="Pause").press("Enter")
                await expect(page.get_by_role("status")).to_have_text("Paused")
                await page.get_by_role("button", name="Pause").press("Enter")
            ended = page.locator("#ended summary")
            await expect(ended).to_contain_text("closed", timeout=PATIENCE)
            await ended.press("Enter")
            await expect(page.locator("#ended").get_by_role("option").first).to_be_visible()
            for width in (390, 1280):
                await page.set_viewport_size({"width": width, "height": 800})
                root = "document.documentElement"
                assert await page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth")
            assert not refused, "the policy of the page forbids nothing that it does"
