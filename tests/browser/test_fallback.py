"""The client core in a network without UDP: audio goes over a WebSocket."""

import pytest
from playwright.async_api import Browser

from tests.browser.demo_page import DemoPage
from tests.browser.server import DemoServer

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.browser,
    pytest.mark.external("chromium", "espeak-ng"),
]

CONNECT_WITHIN = 6.0  # s, of the browser's clock; the machine may be busy
BUSY = 4.0  # s

CHOOSE = """(transport) => {
  demo.client.options.transport = transport;
  window.notices = [];
  window.peers = 0;
  const Original = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Original {
    constructor(...given) {
      super(...given);
      window.peers += 1;
    }
  };
  demo.client.on("notice", ({ code, sentence }) => notices.push([code, sentence]));
}"""
START = """async () => {
  const began = performance.now();
  const connected = await demo.client.start();
  return [connected, (performance.now() - began) / 1000];
}"""
LOUD = "demo.client.levels.remote.level() > -40"


async def start(demo: DemoPage) -> float:
    """Start, and return after how many seconds it was connected."""
    connected, seconds = await demo.page.evaluate(START)
    assert connected, await demo.page.evaluate("demo.client.error.sentence")
    return seconds


async def test_audio_goes_over_a_websocket_where_udp_is_blocked(
    limited_server: DemoServer, open_demo, browser_without_udp: Browser
) -> None:
    demo = await open_demo(f"{limited_server.url}/audio_echo/", browser_without_udp)
    await demo.page.evaluate(CHOOSE, "auto")

    # the attempt over WebRTC had the only place, and frees it
    assert await start(demo) < CONNECT_WITHIN + BUSY
    assert await demo.page.evaluate("demo.client.transport") == "websocket"
    [[code, sentence]] = await demo.page.evaluate("notices")
    assert code == "using_websocket" and "network" in sentence
    await demo.wait_for(LOUD)
    stats = await demo.wait_for(
        "async () => { const one = await demo.client.getStats(); return one.sending && one; }"
    )
    assert stats["protocol"] == "tcp" and stats["route"] is None and stats["roundTrip"] < 5

    await demo.page.evaluate("demo.client.stop()")
    tried = await demo.page.evaluate("peers")
    assert tried > 0
    await start(demo)
    assert await demo.page.evaluate("peers") == tried  # the network is known now
    await demo.wait_for(LOUD)


async def test_webrtc_is_used_where_it_connects(demo_server: DemoServer, open_demo) -> None:
    demo = await open_demo(f"{demo_server.url}/audio_echo/")
    await demo.page.evaluate(CHOOSE, "auto")
    await start(demo)
    assert await demo.page.evaluate("demo.client.transport") == "webrtc"
    assert await demo.page.evaluate("notices") == []


async def test_messages_mute_and_end_over_a_websocket(
    demo_server: DemoServer, open_demo, browser_without_udp: Browser
) -> None:
    demo = await open_demo(f"{demo_server.url}/audio_echo/", browser_without_udp)
    await demo.page.evaluate(CHOOSE, "websocket")
    await start(demo)
    assert await demo.page.evaluate("notices") == []
    await demo.wait_for(LOUD)
    assert await demo.page.evaluate("demo.client.send({ type: 'hello' })")
    await demo.page.evaluate("demo.client.muteMicrophone()")
    await demo.wait_for("demo.client.levels.remote.level() === -60")
    await demo.page.evaluate("demo.client.stop()")
    assert not await demo.page.evaluate("demo.client.send({ type: 'hello' })")
    assert await demo.page.evaluate("demo.client.state") == "stopped"


async def test_a_lost_websocket_is_connected_again(
    own_server: DemoServer, open_demo, browser_without_udp: Browser
) -> None:
    demo = await open_demo(f"{own_server.url}/audio_echo/", browser_without_udp)
    await demo.page.evaluate(CHOOSE, "websocket")
    await demo.page.evaluate("demo.client.options.reconnect = { tries: 30, grace: 500 }")
    await start(demo)
    own_server.kill()
    await demo.wait_for("demo.client.state === 'reconnecting'")
    own_server.start()
    await demo.wait_for("demo.client.state === 'connected'")
    await demo.wait_for(LOUD)


async def test_a_full_server_refuses_a_websocket(limited_server: DemoServer, open_demo) -> None:
    first, second = [await open_demo(f"{limited_server.url}/audio_echo/") for _ in range(2)]
    for demo in (first, second):
        await demo.page.evaluate(CHOOSE, "websocket")
    await start(first)
    assert not (await second.page.evaluate(START))[0]
    assert await second.page.evaluate("demo.client.error.code") == "concurrency_limit_reached"
