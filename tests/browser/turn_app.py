"""The audio echo demo whose server finds its way as the environment says."""

import json
import os
import sys
from pathlib import Path

from fastrtc import Stream

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "demo"))

import audio_echo.app  # noqa: E402
from shared import server  # noqa: E402

audio_echo.app.stream = Stream(
    audio_echo.app.Echo(),
    modality="audio",
    mode="send-receive",
    server_rtc_configuration=json.loads(os.environ["SERVER_RTC_CONFIGURATION"]),
)
server.serve(["audio_echo"])
