"""Cartesia's own client, against a stand-in that speaks its protocol on this machine."""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from fastrtc.core.models import ModelError
from fastrtc.text_to_speech import CartesiaTTSOptions, get_tts_model
from fastrtc.text_to_speech.cartesia import CartesiaTTSModel

SAMPLES = np.arange(-1000, 1000, dtype=np.int16)


class Service:
    """Server-sent events of `/tts/sse`: audio in chunks, one of which cuts a sample in two."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.status = 200
        self.breaks = False
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                headers = {name.lower(): value for name, value in self.headers.items()}
                service.requests.append((self.path, headers, body))
                self.send_response(service.status)
                if service.status != 200:
                    self.end_headers()
                    self.wfile.write(b'{"error": "no such voice"}')
                    return
                self.send_header("Content-Type", "text/event-stream")
                self.end_headers()
                for event in service.events():
                    self.wfile.write(f"event: {event['type']}\n".encode())
                    self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def events(self) -> Iterator[dict[str, Any]]:
        data = SAMPLES.tobytes()
        for part in (data[:600], data[600:1001], data[1001:]):
            yield {
                **{"type": "chunk", "done": False, "status_code": 206, "step_time": 1.0},
                "data": base64.b64encode(part).decode(),
            }
            if self.breaks:
                yield {
                    **{"type": "error", "done": True, "status_code": 500, "request_id": "r"},
                    **{"title": "Broken", "message": "the voice broke"},
                }
                return
        yield {"type": "done", "done": True, "status_code": 206}


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    thread = threading.Thread(target=service.server.serve_forever)
    thread.start()
    yield service
    service.server.shutdown()
    thread.join()
    service.server.server_close()


@pytest.fixture
def model(service: Service) -> CartesiaTTSModel:
    return get_tts_model("cartesia", cartesia_api_key="key", base_url=service.url)


def test_all_at_once(model: CartesiaTTSModel, service: Service) -> None:
    rate, samples = model.tts("Hello")
    assert rate == 22_050
    assert np.array_equal(samples, SAMPLES)
    [(path, headers, body)] = service.requests
    assert path == "/tts/sse"
    assert headers["authorization"] == "Bearer key"
    assert headers["cartesia-version"] == "2024-06-10"
    assert body == {
        "model_id": "sonic-2",
        "transcript": "Hello",
        "voice": {"mode": "id", "id": "71a7ad14-091c-4e8e-a314-022ece01c121"},
        "language": "en",
        "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 22_050},
    }


async def test_piece_by_piece_within_a_loop(model: CartesiaTTSModel) -> None:
    pieces = [samples async for _, samples in model.stream_tts("Hello")]
    assert [samples.size for samples in pieces] == [300, 200, 1500]
    assert np.array_equal(np.concatenate(pieces), SAMPLES)
    again = [samples for _, samples in model.stream_tts_sync("Hello")]
    assert np.array_equal(np.concatenate(again), SAMPLES)


def test_the_first_piece_has_the_text(model: CartesiaTTSModel) -> None:
    assert [speech.text for speech in model.stream_tts_sync("Hello.")] == ["Hello.", "", ""]
    assert model.tts("Hello.").text == "Hello."


def test_every_option_is_sent(model: CartesiaTTSModel, service: Service) -> None:
    options = CartesiaTTSOptions(
        voice="v",
        language="de",
        emotion=["positivity:high", "curiosity"],
        cartesia_version="2025-04-16",
        sample_rate=8000,
    )
    assert model.tts("Hallo", options)[0] == 8000
    options.model = "sonic-3"
    options.emotion = ["excited"]
    model.tts("Hallo", options)
    (_, headers, old), (_, _, new) = service.requests
    assert headers["cartesia-version"] == "2025-04-16"
    assert old["language"] == "de"
    assert old["output_format"]["sample_rate"] == 8000
    controls = {"emotion": ["positivity:high", "curiosity"]}
    assert old["voice"] == {"mode": "id", "id": "v", "__experimental_controls": controls}
    assert "generation_config" not in old
    assert new["model_id"] == "sonic-3"
    assert new["voice"] == {"mode": "id", "id": "v"}
    assert new["generation_config"] == {"emotion": "excited"}


def test_a_refusal_says_what_the_service_answered(model: CartesiaTTSModel, service) -> None:
    service.status = 404
    with pytest.raises(ModelError, match="no such voice"):
        model.tts("Hello")


def test_what_breaks_off_is_an_error_after_what_came(model: CartesiaTTSModel, service) -> None:
    service.breaks = True
    stream = model.stream_tts_sync("Hello")
    assert next(stream)[1].size == 300
    with pytest.raises(ModelError, match="the voice broke"):
        next(stream)


def test_no_text_is_no_request(model: CartesiaTTSModel, service: Service) -> None:
    assert model.tts(" ")[1].size == 0
    assert service.requests == []


def test_the_key_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CARTESIA_API_KEY", raising=False)
    with pytest.raises(ValueError, match="CARTESIA_API_KEY"):
        CartesiaTTSModel()
    monkeypatch.setenv("CARTESIA_API_KEY", "key")
    assert CartesiaTTSModel()._api_key == "key"


def test_warming_up_asks_the_service_for_nothing(service: Service) -> None:
    CartesiaTTSModel("key", base_url=service.url).warmup()
    assert service.requests == []
