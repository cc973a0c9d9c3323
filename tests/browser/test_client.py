"""What the client core does with real devices and a real network, driven in a demo page."""

import pytest
from playwright.async_api import expect

from tests.browser.server import DemoServer

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.browser,
    pytest.mark.external("chromium", "espeak-ng"),
]

OWN_CONNECTION = """async () => {
  const { Connection, httpSignalling } = await import("/fastrtc/fastrtc.js");
  window.own = new Connection({ signalling: httpSignalling("webrtc/offer") });
}"""

# Starts again and again; whether it is connected in so many ms.
CONNECT_WITHIN = """async (milliseconds) => {
  for (const end = performance.now() + milliseconds; performance.now() < end; ) {
    if (await own.start()) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}"""


async def test_a_lost_connection_is_made_again(own_server: DemoServer, open_demo) -> None:
    demo = await open_demo(f"{own_server.url}/receive_audio/")
    await demo.page.evaluate("demo.client.options.reconnect = { tries: 30, grace: 500 }")
    await demo.record()
    await demo.connect()
    first = await demo.page.evaluate("demo.client.id")
    own_server.kill()
    await demo.wait_for_state("reconnecting")
    own_server.start()
    await demo.wait_for_state("connected")

    assert await demo.page.evaluate("demo.client.id") != first
    await expect(demo.page.get_by_role("status")).to_have_text("Connected")
    await demo.wait_for("demo.client.levels.remote.level() > -40")


async def test_another_microphone_while_it_streams(demo_server: DemoServer, open_demo) -> None:
    demo = await open_demo(f"{demo_server.url}/audio_echo/")
    await demo.connect()
    chosen = await demo.page.evaluate(
        """async () => {
          const { listDevices } = await import("/fastrtc/fastrtc.js");
          const { microphones } = await listDevices();
          const now = demo.client.localStream.getTracks()[0];
          const other = microphones.find(({ id }) => id !== now.getSettings().deviceId);
          await demo.client.setMicrophone(other.id);
          const [track] = demo.client.localStream.getTracks();
          return {
            label: other.label,
            wanted: other.id,
            got: track.getSettings().deviceId,
            sent: demo.client.peer.getSenders()[0].track === track,
            old: now.readyState,
          };
        }"""
    )
    assert chosen["label"]
    assert chosen["got"] == chosen["wanted"]
    assert chosen["sent"]
    assert chosen["old"] == "ended"
    await demo.wait_for("demo.client.levels.local.level() > -40")
    await demo.wait_for_state("connected")


async def test_muting_sends_silence(demo_server: DemoServer, open_demo) -> None:
    demo = await open_demo(f"{demo_server.url}/audio_echo/")
    await demo.connect()
    await demo.wait_for("demo.client.levels.remote.level() > -40")
    await demo.page.evaluate("demo.client.muteMicrophone()")
    await demo.wait_for("demo.client.levels.local.level() === -60")
    await demo.wait_for("demo.client.levels.remote.level() === -60")


async def test_statistics_and_conversation(demo_server: DemoServer, open_demo) -> None:
    demo = await open_demo(f"{demo_server.url}/receive_audio/")
    await demo.page.evaluate(
        """() => {
          window.states = [];
          demo.client.on("conversation", ({ state }) => states.push(state));
        }"""
    )
    await demo.connect()
    await demo.wait_for("states.includes('speaking')")
    await demo.wait_for("demo.client.levels.remote.bands(8).some((one) => one > 0.3)")
    stats = await demo.wait_for(
        """async () => {
          const stats = await demo.client.getStats();
          return stats.receiving > 1000 && stats.roundTrip !== null && stats;
        }"""
    )
    assert stats["route"] in ("host", "prflx")
    assert stats["protocol"] == "udp"
    assert stats["codecs"] == ["opus"]
    assert 0 <= stats["loss"] < 1
    assert stats["sending"] == 0
    assert stats["latency"] is None and stats["latencyFromSpeech"] is None


async def test_the_loss_of_what_is_only_sent(demo_server: DemoServer, open_demo) -> None:
    demo = await open_demo(f"{demo_server.url}/audio_echo/")
    await demo.page.evaluate(OWN_CONNECTION)
    assert await demo.page.evaluate("own.options.mode = 'send', own.start()")
    stats = await demo.wait_for(
        "async () => { const stats = await own.getStats(); return stats.loss !== null && stats; }"
    )
    assert 0 <= stats["loss"] < 1
    assert not stats["receiving"]
    await demo.page.evaluate("own.stop()")


async def test_nothing_stays_open_after_stop(demo_server: DemoServer, open_demo) -> None:
    demo = await open_demo(f"{demo_server.url}/audio_echo/")
    await demo.page.evaluate(
        """() => {
          window.contexts = [];
          const Original = AudioContext;
          window.AudioContext = class extends Original {
            constructor(...how) {
              super(...how);
              contexts.push(this);
            }
          };
        }"""
    )
    start = "Start"
    for _ in range(2):
        await demo.connect(start)
        peer = await demo.page.evaluate_handle("demo.client.peer")
        await demo.press("Stop")
        await demo.wait_for_state("stopped")
        assert await peer.evaluate("peer => peer.connectionState") == "closed"
        start = "Start again"
    await demo.wait_for("contexts.length === 2")
    await demo.wait_for("contexts.every(({ state }) => state === 'closed')")


async def test_closing_the_tab_frees_its_place(limited_server: DemoServer, open_demo) -> None:
    first = await open_demo(f"{limited_server.url}/audio_echo/")
    second = await open_demo(f"{limited_server.url}/audio_echo/")
    for demo in (first, second):  # without the demo page, which listens for pagehide itself
        await demo.page.evaluate(OWN_CONNECTION)
    assert await first.page.evaluate("own.start()")
    assert not await second.page.evaluate("own.start()")
    assert await second.page.evaluate("own.error.code") == "concurrency_limit_reached"

    await first.page.close(run_before_unload=True)
    # By itself the server finds out after 12 s, when consent to send expires.
    assert await second.page.evaluate(CONNECT_WITHIN, 9000)
