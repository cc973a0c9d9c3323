"""A page with the component, as a person and the browser's statistics see it."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from playwright.async_api import Locator, Page, expect

__all__ = ["PATIENCE", "StreamPage"]

PATIENCE = 30_000  # ms; connecting takes 0.3 s here, but the machine may be busy

# Keeps the connections, so that their statistics can be asked for.
KEEP_PEERS = """
    window.peers = [];
    const Original = window.RTCPeerConnection;
    window.RTCPeerConnection = class extends Original {
      constructor(...given) {
        super(...given);
        window.peers.push(this);
      }
    };
"""

FLOW = """async () => {
    const flow = { audio_out: 0, audio_in: 0, video_out: 0, video_in: 0, played: 0 };
    for (const one of (await window.peers.at(-1).getStats()).values()) {
      if (one.type === "outbound-rtp" && one.kind === "audio") flow.audio_out = one.packetsSent;
      if (one.type === "inbound-rtp" && one.kind === "audio") {
        flow.audio_in = one.totalAudioEnergy * 1e6;
        flow.played = (one.totalSamplesReceived - one.concealedSamples) / 48000;
      }
      if (one.type === "outbound-rtp" && one.kind === "video") flow.video_out = one.framesEncoded;
      if (one.type === "inbound-rtp" && one.kind === "video") flow.video_in = one.framesDecoded;
    }
    return flow;
}"""

# Keeps what the panel says from now on: its states, and the words of its status and main button.
WATCH = """() => {
    const panel = document.querySelector(".frtc-panel");
    window.seen = { states: [], statuses: [], labels: [] };
    const note = () => {
      for (const [kind, now] of [
        ["states", panel.dataset.state],
        ["statuses", panel.querySelector(".frtc-status").textContent],
        ["labels", panel.querySelector(".frtc-label").textContent],
      ]) if (seen[kind].at(-1) !== now) seen[kind].push(now);
    };
    note();
    new MutationObserver(note).observe(panel, {
      attributeFilter: ["data-state"], characterData: true, childList: true, subtree: true,
    });
}"""


class StreamPage:
    def __init__(self, page: Page) -> None:
        self.page = page

    @property
    def main(self) -> Locator:
        """The button that starts and stops."""
        return self.page.locator(".frtc-main")

    @property
    def status(self) -> Locator:
        return self.page.locator(".frtc-status")

    @property
    def alert(self) -> Locator:
        """What went wrong."""
        return self.page.locator(".frtc [role=alert]")

    @property
    def toast(self) -> Locator:
        return self.page.get_by_test_id("toast-body")

    def input(self, label: str) -> Locator:
        """A text or number field of the page."""
        return self.page.get_by_label(label, exact=True).first

    def drawer(self, name: str) -> Locator:
        return self.page.get_by_role("group", name=name, exact=True)

    async def press(self, name: str) -> None:
        """Press one of the small buttons."""
        await self.page.locator(".frtc").get_by_role("button", name=name, exact=True).click()

    async def start(self) -> None:
        await self.main.click()
        await self.is_in("connected")

    async def stop(self) -> None:
        await self.main.click()
        await self.is_in("stopped")

    async def is_in(self, state: str) -> None:
        panel = self.page.locator(f".frtc-panel[data-state={state}]")
        await panel.wait_for(state="attached", timeout=PATIENCE)

    async def flows(self, *kinds: str) -> None:
        """Wait until more of each of `audio_out`, `audio_in`, `video_out`, `video_in` has come."""
        before = await self.page.evaluate(FLOW)
        await self._until_flow(lambda now: all(now[kind] > before[kind] + 3 for kind in kinds))

    async def hears_nothing(self) -> None:
        """Wait until two seconds of silence were sent and played."""
        loud = await self.page.evaluate(FLOW)

        def silent(now: dict[str, float]) -> bool:
            nonlocal loud
            if now["audio_in"] > loud["audio_in"] + 0.1:
                loud = now
            return now["played"] > loud["played"] + 2

        await self._until_flow(silent)

    async def _until_flow(self, right: Callable[[dict[str, float]], bool]) -> None:
        """Wait for it; not with `wait_for_function`, which takes a promise as a yes."""
        deadline = time.monotonic() + PATIENCE / 1000
        while not right(flow := await self.page.evaluate(FLOW)):
            assert time.monotonic() < deadline, flow
            await asyncio.sleep(0.2)

    async def says(self, sentence: str) -> None:
        """Wait until it says what went wrong."""
        await expect(self.alert).to_contain_text(sentence, timeout=PATIENCE)

    async def watch(self) -> None:
        """Keep the states, statuses and labels from now on, for `seen`."""
        await self.page.evaluate(WATCH)

    async def seen(self, kind: str) -> list[str]:
        return await self.page.evaluate("kind => seen[kind]", kind)

    async def has_value(self, label: str, value: Any) -> None:
        await expect(self.input(label)).to_have_value(str(value), timeout=PATIENCE)

    async def slide(self, label: str, value: float) -> None:
        """Type a value into the number field of a slider."""
        field = self.page.get_by_label(f"number input for {label}")
        await field.fill(str(value))
        await field.blur()
