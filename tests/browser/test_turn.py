"""A page and the server through a TURN server: coturn, on this machine."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fastrtc import get_coturn_credentials
from tests.browser.conftest import HERE
from tests.browser.demo_page import DemoPage
from tests.browser.server import DemoServer
from tests.support.turn import SECRET, turn_server

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.browser,
    pytest.mark.external("chromium", "espeak-ng", "turnserver"),
]

DIRECT: dict[str, Any] = {"iceServers": []}

# Waits for half a second of sound; the types of the two candidates that it came through.
WAY = """async () => {
  for (;;) {
    const all = [...(await demo.client.peer.getStats()).values()];
    const find = (id) => all.find((one) => one.id === id);
    const pair = find(all.find((one) => one.type === "transport")?.selectedCandidatePairId);
    const sound = all.find((one) => one.type === "inbound-rtp" && one.kind === "audio");
    if (pair && sound?.packetsReceived >= 25) {
      return [pair.localCandidateId, pair.remoteCandidateId].map((id) => find(id).candidateType);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}"""


@contextmanager
def server_with(
    configuration: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[DemoServer]:
    monkeypatch.setenv("SERVER_RTC_CONFIGURATION", json.dumps(configuration))
    server = DemoServer(folder / "server.log", HERE / "turn_app.py")
    server.start()
    try:
        yield server
    finally:
        server.stop()
    assert not server.complaints()


async def open_configured(open_demo, server: DemoServer, configuration: Any) -> DemoPage:
    demo = await open_demo(f"{server.url}/audio_echo/")
    await demo.page.evaluate("it => { demo.client.options.rtcConfiguration = it; }", configuration)
    return demo


async def test_the_page_through_the_relay_alone(open_demo, tmp_path: Path, monkeypatch) -> None:
    with (
        turn_server(tmp_path) as turn,
        server_with(DIRECT, tmp_path, monkeypatch) as server,
    ):
        demo = await open_configured(open_demo, server, turn.relay_only())
        await demo.connect()
        assert (await demo.page.evaluate(WAY))[0] == "relay"
        await demo.press("Stop")


async def test_both_through_the_relay_alone_with_time_limited_credentials(
    open_demo, tmp_path: Path, monkeypatch
) -> None:
    with turn_server(tmp_path, time_limited=True) as turn:
        made = get_coturn_credentials(SECRET, turn.url(), user="page")
        relay_only = {**made, "iceTransportPolicy": "relay"}
        with server_with(relay_only, tmp_path, monkeypatch) as server:
            demo = await open_configured(open_demo, server, relay_only)
            await demo.connect()
            assert await demo.page.evaluate(WAY) == ["relay", "relay"]
            await demo.press("Stop")


async def test_wrong_credentials(open_demo, tmp_path: Path, monkeypatch) -> None:
    with turn_server(tmp_path) as turn:
        wrong = turn.relay_only(credential="wrong")
        # of the page
        with server_with(DIRECT, tmp_path, monkeypatch) as server:
            demo = await open_configured(open_demo, server, wrong)
            await demo.press("Start")
            await demo.wait_for_alert("The TURN server refused its username and credential")
            assert await demo.page.evaluate("demo.client.error.code") == "turn_refused"
        # of the server
        with server_with(wrong, tmp_path, monkeypatch) as server:
            demo = await open_configured(open_demo, server, turn.relay_only())
            await demo.press("Start")
            await demo.wait_for_alert("The server's TURN server refused it")
            log = server.log.read_text()
            assert f"the TURN server 127.0.0.1:{turn.port} of server_rtc_configuration" in log
            assert "refused the username and credential" in log
