"""The server behind a TURN server: coturn, on this machine."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fastrtc import Stream
from tests.support.peers import AudioSource, Client, eventually, tone
from tests.support.programs import require_program
from tests.webrtc.handlers import AsyncAudioEcho

pytestmark = pytest.mark.external("turnserver")


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def turn_port(tmp_path: Path) -> Iterator[int]:
    port = free_port()
    server = subprocess.Popen(
        [
            *[require_program("turnserver"), "-n", "--listening-ip=127.0.0.1"],
            *["--relay-ip=127.0.0.1", f"--listening-port={port}", "--allow-loopback-peers"],
            *["--lt-cred-mech", "--user=test:secret", "--realm=x.local"],
            *["--no-cli", "--no-tls", "--no-dtls", f"--pidfile={tmp_path}/pid"],
            *["--log-file=stdout", "--simple-log"],
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield port
    finally:
        server.terminate()
        server.wait(10)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def echo_stream(port: int, transport: str, credential: str = "secret") -> Stream:
    return Stream(
        AsyncAudioEcho(),
        modality="audio",
        mode="send-receive",
        server_rtc_configuration={
            "iceServers": [
                {
                    "urls": f"turn:127.0.0.1:{port}?transport={transport}",
                    "username": "test",
                    "credential": credential,
                }
            ],
            "iceTransportPolicy": "relay",
        },
    )


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_speech_through_the_relay_alone(turn_port: int, transport: str) -> None:
    await eventually(lambda: listens(turn_port))
    stream = echo_stream(turn_port, transport)
    async with Client(stream, audio=AudioSource(tone(20))) as client:
        candidates = [
            line for line in client.response["sdp"].splitlines() if line.startswith("a=candidate")
        ]
        assert candidates and all("typ relay" in line for line in candidates)
        await eventually(lambda: len(client.loud()) >= 20)
    await eventually(lambda: not len(stream._registry))
    await eventually(lambda: not stream._registry._closing)


async def test_a_wrong_password_is_said_so(turn_port: int, caplog) -> None:
    await eventually(lambda: listens(turn_port))
    stream = echo_stream(turn_port, "udp", credential="wrong")
    client = Client(stream, audio=AudioSource())
    response = await client.call()
    assert "a=candidate" not in response["sdp"]
    assert "refused its username and credential" in caplog.text
    await client.close()
    await stream.close_sessions()
