"""What `docs/openai-realtime.md` says and its programs do."""

import asyncio

from fastapi.testclient import TestClient

from fastrtc.protocols.openai_realtime.event_table import CLIENT_EVENTS, SERVER_EVENTS
from tests.support.servers import serving

from .pages import DOCS


def rows(heading: str) -> dict[str, list[str]]:
    """The rows of a table of the page, by their first column."""
    text = (DOCS / "openai-realtime.md").read_text(encoding="utf-8")
    table = text.split(f"| {heading} |", 1)[1].split("\n\n", 1)[0]
    cells = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    return {first.strip("`"): others for first, *others in cells}


def test_the_tables_of_events_are_those_of_the_program() -> None:
    assert rows("client event") == {
        type: [
            f"refused: `{row.code}`" if support == "refused" else "done"
            for support in (row.websocket, row.webrtc)
        ]
        for type, row in CLIENT_EVENTS.items()
    }
    assert rows("server event") == {
        type: ["yes" if is_sent else "no"] for type, is_sent in SERVER_EVENTS.items()
    }


async def test_a_typed_question_is_answered(snippet) -> None:
    ask = snippet("openai-realtime/client.py").ask
    with serving(snippet("openai-realtime/text.py").app) as url:
        question = ask(url.replace("http", "ws"), "Hello")
        text, audio = await asyncio.wait_for(question, 30)
    assert text == "You said Hello."
    assert len(audio) > 24_000


def test_only_the_key_of_the_program_creates_others(snippet) -> None:
    client = TestClient(snippet("openai-realtime/keys.py").app)
    headers = {"Authorization": "Bearer stand-in"}
    answer = client.post("/v1/realtime/client_secrets", headers=headers)
    assert answer.json()["value"].startswith("ek_")
    assert client.post("/v1/realtime/client_secrets").status_code == 401
    for forged in ("Bearer frtc1.forged", "frtc1.forged", f"Bearer {answer.json()['value']}"):
        headers = {"Authorization": forged}
        assert client.post("/v1/realtime/client_secrets", headers=headers).status_code == 401
        call = client.post("/v1/realtime/calls", content="", headers=headers)
        assert call.status_code == (400 if "ek_" in forged else 401)
