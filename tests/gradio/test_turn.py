"""A page goes through a TURN server as its stream says: coturn, on this machine."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.gradio.marks import MARKS
from tests.gradio.server import PageServer
from tests.gradio.stream_page import PATIENCE
from tests.support.turn import SECRET, turn_server

pytestmark = [*MARKS, pytest.mark.external("turnserver")]

# The types of the candidates that the page and the server are connected by.
WAY = """async () => {
  const all = [...(await window.peers.at(-1).getStats()).values()];
  const find = (id) => all.find((one) => one.id === id);
  const pair = find(all.find((one) => one.type === "transport").selectedCandidatePairId);
  return [pair.localCandidateId, pair.remoteCandidateId].map((id) => find(id).candidateType);
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    folders = [tmp_path_factory.mktemp(name) for name in ("pages", "turn", "time-limited")]
    with turn_server(folders[1]) as turn, turn_server(folders[2], time_limited=True) as limited:
        server = PageServer(folders[0] / "server.log")
        server.script = Path(__file__).with_name("turn_app.py")
        server.variables = {
            "RELAY": json.dumps(turn.relay_only()),
            "WRONG": json.dumps(turn.relay_only(credential="wrong")),
            "TIME_LIMITED": limited.url(),
            "SECRET": SECRET,
        }
        server.start()
        yield server
        server.stop()
    assert not server.complaints()


@pytest.mark.parametrize("path", ["fixed", "timed"])
async def test_the_page_through_the_relay_alone(server: PageServer, open_page, path: str) -> None:
    page = await open_page(f"{server.url}/{path}")
    for _ in range(2):  # it asks for its configuration each time
        await page.start()
        await page.flows("audio_out", "audio_in")
        assert (await page.page.evaluate(WAY))[0] == "relay"
        await page.stop()


async def test_the_server_through_the_relay_alone(server: PageServer, open_page) -> None:
    page = await open_page(f"{server.url}/server")
    await page.start()
    await page.flows("audio_out", "audio_in")
    assert (await page.page.evaluate(WAY))[1] == "relay"
    await page.stop()


async def test_wrong_credentials(server: PageServer, open_page) -> None:
    page = await open_page(f"{server.url}/wrong")
    await page.page.evaluate("window.AudioWorkletNode = undefined")  # else it uses a WebSocket
    await page.main.click()
    await expect(page.page.get_by_role("alert")).to_contain_text(
        "The TURN server refused its username and credential", timeout=PATIENCE
    )
    await page.is_in("failed")
