"""`Stream.fastphone`: served for real, registered with a stand-in of the service.

Only the tunnel is replaced: it needs Gradio's servers.
"""

import os
import signal
import socket
import sys
import textwrap
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from gradio import tunneling
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from fastrtc import AsyncStreamHandler, Stream
from fastrtc.server.fastphone import FastPhoneService
from fastrtc.transport.telephony.twiml import PhoneExtraMissing
from tests.support.forks import Fork
from tests.support.servers import serving

NUMBER = {"code": 123456, "phone": "+1 877 555 0100", "time_remaining": 605, "reset_date": "May 1"}


class Silent(AsyncStreamHandler):
    async def receive(self, frame: Any) -> None: ...

    async def emit(self) -> None: ...

    def copy(self) -> "Silent":
        return Silent()


class StandIn:
    """What FastPhone does, as far as a program sees it."""

    def __init__(self, status: int = 200, answer: Any = None) -> None:
        self.asked: list[tuple[str, dict[str, Any], str | None]] = []
        self.app = FastAPI()

        @self.app.post("/{what}")
        async def take(what: str, request: Request) -> JSONResponse:
            token = request.headers.get("authorization")
            self.asked.append((what, await request.json(), token))
            if what == "unregister":
                return JSONResponse({})
            return JSONResponse(NUMBER if answer is None else answer, status)


@pytest.fixture
def tunnel(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[Any, ...]]]:
    """Stands in for Gradio's tunnel, and notes what it was asked for; all must be closed."""

    class OpenTunnel:
        killed = 0

        def kill(self) -> None:
            OpenTunnel.killed += 1

    opened: list[tuple[Any, ...]] = []

    def setup_tunnel(
        local_host: str,
        local_port: int,
        share_token: str,
        share_server_address: str | None,
        share_server_tls_certificate: str | None,
    ) -> str:
        opened.append((local_host, local_port))
        tunneling.CURRENT_TUNNELS.append(OpenTunnel())
        return "https://abc.gradio.live"

    monkeypatch.setattr("gradio.networking.setup_tunnel", setup_tunnel)
    yield opened
    assert tunneling.CURRENT_TUNNELS == []
    assert OpenTunnel.killed == len(opened)


def stream(**options: Any) -> Stream:
    return Stream(Silent(), modality="audio", verbose=False, **options)


def fastphone(url: str, fallback: str = "http://127.0.0.1:9", **options: Any) -> None:
    stream().fastphone(
        token="hf_secret",
        port=0,
        service=FastPhoneService(url, fallback, timeout_s=10),
        log_level="warning",
        **options,
    )


# What the service may say


def test_a_service_that_refuses_is_an_error(tunnel: list[Any]):
    service = StandIn(401, {"detail": "no such token"})
    with serving(service.app) as url, pytest.raises(httpx.HTTPStatusError, match="401"):
        fastphone(url)

    assert service.asked == [("register", {"url": "abc.gradio.live"}, "hf_secret")]
    assert not _serves(tunnel[0][1])


def test_a_quota_that_is_used_up_is_said(tunnel: list[Any], capsys: pytest.CaptureFixture[str]):
    service = StandIn(202, {"reset_date": "May 1"})
    with serving(service.app) as url:
        fastphone(url)

    said = capsys.readouterr().out
    assert "used up" in said
    assert "May 1" in said
    assert [what for what, *_ in service.asked] == ["register"]
    assert not _serves(tunnel[0][1])


@pytest.mark.parametrize("first", ["absent", "broken"])
def test_the_fallback_is_asked_when_the_service_does_not_work(tunnel: list[Any], first: str):
    broken, fallback = StandIn(503, {}), StandIn(202, {})
    with serving(broken.app) as url, serving(fallback.app) as fallback_url:
        fastphone("http://127.0.0.1:9" if first == "absent" else url, fallback_url)

    assert len(broken.asked) == (first == "broken")
    assert fallback.asked == [("register", {"url": "abc.gradio.live"}, "hf_secret")]


def test_a_service_that_cannot_be_reached_is_an_error(tunnel: list[Any]):
    with pytest.raises(httpx.TransportError):
        fastphone("http://127.0.0.1:9")


@pytest.mark.parametrize("answer", [{}, [], {**NUMBER, "time_remaining": "much"}])
def test_an_answer_without_a_number_is_an_error(tunnel: list[Any], answer: Any):
    service = StandIn(200, answer)
    with serving(service.app) as url, pytest.raises(RuntimeError, match="gave no number"):
        fastphone(url)


# What keeps it from starting


def test_a_port_that_is_taken_is_an_error(tunnel: list[Any]):
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        pytest.raises(OSError, match="in use: pass another port"),
    ):
        stream().fastphone(port=other.getsockname()[1])

    assert tunnel == []


def test_a_server_that_does_not_start_is_an_error(tunnel: list[Any]):
    class Failing(Stream):
        def _inject_startup_message(self, lifespan: Any = None) -> Any:
            @asynccontextmanager
            async def fail(app: Any) -> AsyncIterator[None]:
                raise ValueError("not today")
                yield

            return fail

    mine = Failing(Silent(), modality="audio", verbose=False)
    with pytest.raises(RuntimeError, match="did not start"):
        mine.fastphone(port=0, log_level="critical")


def test_without_the_package_that_answers_calls_it_asks_for_no_number(
    tunnel: list[Any], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "twilio.twiml.voice_response", None)
    service = StandIn()
    with (
        serving(service.app) as url,
        pytest.raises(PhoneExtraMissing, match=r"pip install \"fastrtc\[phone\]\""),
    ):
        fastphone(url)

    assert tunnel == [] and service.asked == []


def test_where_it_cannot_be_reached_it_says_so(tunnel: list[Any], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SYSTEM", "spaces")

    with pytest.raises(RuntimeError, match="rtc_configuration"):
        stream().fastphone(port=0)


# From start to end

SCRIPT = """
    import os
    import gradio.networking
    from fastrtc import Stream
    from fastrtc.server.fastphone import FastPhoneService
    from tests.server.test_fastphone import Silent

    def setup_tunnel(local_host, local_port, share_token, server, certificate):
        return f"https://tunnel-{local_port}.example"

    gradio.networking.setup_tunnel = setup_tunnel
    service = FastPhoneService(os.environ["SERVICE"])
    stream = Stream(Silent(), modality="audio", verbose=False)
    stream.fastphone(port=0, service=service, log_level="warning")
    print("ended", flush=True)
"""


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Callable[[str], Fork]]:
    """Starts a program that calls `fastphone()`; whatever becomes of it, it is ended."""
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))
    programs: list[Fork] = []

    def start(service_url: str) -> Fork:
        environment = {
            **os.environ,
            "SERVICE": service_url,
            "HF_TOKEN": "hf_mine",
            "FASTRTC_TWILIO_AUTH_TOKEN": "not FastPhone's",
        }
        programs.append(Fork([str(script)], env=environment))
        return programs[-1]

    yield start
    for one in programs:
        one.kill()
        one.communicate()


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_the_number_is_shown_served_and_given_back(
    program: Callable[[str], Fork], signal_number: signal.Signals
):
    service = StandIn()
    with serving(service.app) as url:
        running = program(url)
        shown = running.stdout.readline() + running.stdout.readline()
        (_, body, token), *_ = service.asked
        called = httpx.post(
            f"http://127.0.0.1:{_port(service)}/telephone/incoming", headers={"Host": body["url"]}
        )
        rebound = httpx.post(
            f"http://127.0.0.1:{_port(service)}/webrtc/offer", headers={"Host": "evil.example"}
        )
        running.send_signal(signal_number)
        said, _ = running.communicate(timeout=60)

    assert "+1 877 555 0100" in shown
    assert "123456" in shown
    assert "10:05 minutes" in shown
    assert "May 1" in shown
    assert token == "hf_mine"
    assert f"wss://{body['url']}/telephone/handler" in called.text, "signed by FastPhone, not us"
    assert rebound.status_code == 403 and "allowed_hosts" in rebound.text
    assert service.asked[1] == ("unregister", {"url": body["url"], "code": 123456}, "hf_mine")
    assert said.endswith("ended\n"), "the program goes on, as after any other call"
    assert running.returncode == 0


def test_a_message_that_inflates_is_refused_before_it_is_read(
    program: Callable[[str], Fork],
):
    """3 MiB, where `message_bytes` is 1 MiB: by uvicorn, not by the stream, which would say why."""
    service = StandIn()
    with serving(service.app) as url:
        program(url).stdout.readline()
        with connect(f"ws://127.0.0.1:{_port(service)}/websocket/offer") as client:
            client.send(" " * (3 << 20))
            with pytest.raises(ConnectionClosedError) as closed:
                client.recv(timeout=20)
        assert closed.value.rcvd.code == 1009


def _port(service: StandIn) -> int:
    """The port in the name of the stand-in's tunnel."""
    _, body, _ = service.asked[0]
    return int(body["url"].partition("-")[2].partition(".")[0])


def _serves(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0
