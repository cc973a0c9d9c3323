"""Demos with room for a single connection each."""

import sys
from pathlib import Path

from fastrtc import Stream

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "demo"))

import audio_echo.app  # noqa: E402
import websocket_echo.app  # noqa: E402
from shared import server  # noqa: E402

audio_echo.app.stream = Stream(
    audio_echo.app.Echo(),
    modality="audio",
    mode="send-receive",
    concurrency_limit=1,
    server_rtc_configuration={"iceServers": []},
)
websocket_echo.app.stream = Stream(
    websocket_echo.app.stream.event_handler, modality="audio", concurrency_limit=1
)
server.serve(["audio_echo", "websocket_echo"])
