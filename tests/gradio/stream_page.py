"""A page with the component, as a person and the browser's statistics see it."""

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
    const flow = { audio_out: 0, audio_in: 0, video_out: 0, video_in: 0 };
    for (const one of (await window.peers.at(-1).getStats()).values()) {
      if (one.type === "outbound-rtp" && one.kind === "audio") flow.audio_out = one.packetsSent;
      if (one.type === "inbound-rtp" && one.kind === "audio")
        flow.audio_in = one.totalAudioEnergy * 1e6;
      if (one.type === "outbound-rtp" && one.kind === "video") flow.video_out = one.framesEncoded;
      if (one.type === "inbound-rtp" && one.kind === "video") flow.video_in = one.framesDecoded;
    }
    return flow;
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
    def toast(self) -> Locator:
        return self.page.get_by_test_id("toast-body")

    def input(self, label: str) -> Locator:
        """A text or number field of the page."""
        return self.page.get_by_label(label, exact=True).first

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
        await self.page.wait_for_function(
            f"""async ([before, kinds]) => {{
                const now = await ({FLOW})();
                return kinds.every((kind) => now[kind] > before[kind] + 3);
            }}""",
            arg=[before, list(kinds)],
            timeout=PATIENCE,
            polling=200,
        )

    async def has_value(self, label: str, value: Any) -> None:
        await expect(self.input(label)).to_have_value(str(value), timeout=PATIENCE)

    async def slide(self, label: str, value: float) -> None:
        """Type a value into the number field of a slider."""
        field = self.page.get_by_label(f"number input for {label}")
        await field.fill(str(value))
        await field.blur()
