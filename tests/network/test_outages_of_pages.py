"""A page whose network is lost for a while: the JavaScript client resumes its session."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, sync_playwright

from tests.support.network_namespaces import Machine, Network, Program
from tests.support.programs import require_program
from tests.support.steps import MAX_STEPS, steps_in

pytestmark = pytest.mark.external("chromium")

SERVER, CLIENT, PORT = "10.9.0.1", "10.9.0.2", 8000
URL = f"http://{SERVER}:{PORT}"
RATE = 24_000
OPTIONS = (
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--autoplay-policy=no-user-gesture-required"),
    *("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"),
    f"--unsafely-treat-insecure-origin-as-secure={URL}",
)
PATIENCE = 30_000  # ms
STEPS_AFTER = 20


class Place:
    """A server, and a machine with Chromium, joined by a cable."""

    def __init__(self, net: Network, folder: Path) -> None:
        server, self.client = net.machine("outage-server"), net.machine("outage-client")
        self.cable = net.connect(server, f"{SERVER}/24", self.client, f"{CLIENT}/24")
        options = json.dumps({"port": PORT, "within_s": 30, "steps": 300})
        self.server: Program = server.start("tests.network.outage_server", options)
        assert self.server.read() == "ready"
        self.chromium = on_machine(self.client, folder)

    def cut(self, on: bool) -> None:
        do = "-A" if on else "-D"
        self.client.iptables(f"{do} INPUT -i {self.cable} -j DROP")
        self.client.iptables(f"{do} OUTPUT -o {self.cable} -j DROP")


def on_machine(machine: Machine, folder: Path) -> Path:
    """Write a program that runs Chromium on a machine."""
    command = folder / "chromium"
    chromium = require_program("chromium")
    command.write_text(f'#!/bin/sh\nexec ip netns exec {machine.name} {chromium} "$@"\n')
    command.chmod(0o755)
    return command


@pytest.fixture
def place(net: Network, tmp_path: Path) -> Place:
    return Place(net, tmp_path)


@pytest.fixture
def page(place: Place) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(place.chromium), args=list(OPTIONS)
        )
        page = browser.new_page()
        page.goto(f"{URL}/page")
        yield page
        browser.close()


def test_a_session_goes_on_after_its_network_was_lost(place: Place, page: Page) -> None:
    page.wait_for_function("window.connection")
    assert page.evaluate("connection.start()")
    page.wait_for_function("seen.open", timeout=PATIENCE)
    exchange(place, page, 1)
    page.evaluate("window.call = connection.call('wait', 4, { timeout: 60000 }), 1")
    time.sleep(1)

    place.cut(True)
    exchange(place, page, 2)  # into the void
    noticed = "connection.state === 'reconnecting' && seen.attempts >= 1"  # after some 6 s
    page.wait_for_function(noticed, timeout=PATIENCE)
    page.wait_for_timeout(1000)  # of an attempt that gets no answer
    assert page.evaluate("connection.state") == "reconnecting"
    place.server.ask(do="send", text="3")
    place.cut(False)

    page.wait_for_function("connection.state === 'connected'", timeout=PATIENCE)
    assert page.evaluate("call") == "waited"
    page.wait_for_function("connection.send({ type: 'text', data: '4' })", timeout=PATIENCE)
    place.server.ask(do="send", text="4")
    page.wait_for_function("seen.messages.length === 4", timeout=PATIENCE)
    seen, steps = page.evaluate("seen"), hear_more(page)
    page.evaluate("connection.stop()")

    assert seen["messages"] == ["1", "2", "3", "4"]
    lost, again = seen["states"][-2:]
    assert (lost["state"], again["state"], again["resumed"]) == ("reconnecting", "connected", True)
    assert lost["id"] == again["id"]
    happened = place.server.ask(do="look")["happened"]
    assert [what for what, *_ in happened].count("start_up") == 1  # one handler
    told = [message["data"] for what, message, *_ in happened if what == "message"]
    assert told == ["1", "2", "4"]
    assert_nothing_is_missing(steps)


def hear_more(page: Page) -> list[int]:
    """Wait for some more steps; return all steps that the page has heard."""
    wanted = len(heard(page)) + STEPS_AFTER
    deadline = time.monotonic() + PATIENCE / 1000
    while len(steps := heard(page)) < wanted:
        assert time.monotonic() < deadline, steps
        page.wait_for_timeout(200)
    return steps


def heard(page: Page) -> list[int]:
    samples = np.frombuffer(base64.b64decode(page.evaluate("heard()")), np.int16)
    return steps_in(RATE, samples)


def exchange(place: Place, page: Page, number: int) -> None:
    while place.server.ask(do="send", text=str(number)) != 1:  # `on_connect` has not run yet
        page.wait_for_timeout(50)
    assert page.evaluate("n => connection.send({ type: 'text', data: n })", str(number))


def assert_nothing_is_missing(steps: list[int]) -> None:
    """Each step is heard, in order; the last ones before the loss may be heard again.

    That at the loss may be in two parts, of which none is long enough to be recognized. A busy page
    plays up to half a second later than it reports.
    """
    whole: list[int] = []  # numbers that do not start again after MAX_STEPS
    for step in steps:
        last = whole[-1] if whole else step
        rounds = round((last - step) / MAX_STEPS)
        whole.append(step + rounds * MAX_STEPS)
    assert len(set(range(whole[0], whole[-1] + 1)) - set(whole)) <= 1, whole
    jumps: list[Any] = [(a, b) for a, b in zip(whole, whole[1:], strict=False) if b - a != 1]
    assert all(-5 <= b - a <= 2 for a, b in jumps), jumps
