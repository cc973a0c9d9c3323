"""A server in whose first turn nothing may happen for the first time.

    python -m tests.webrtc.cold_app MOONSHINE_FOLDER

prints its port, then for each turn, as a line of JSON, which modules were imported since the
server started.
"""

import json
import sys
from typing import Any

import librosa
import uvicorn
from fastapi import FastAPI

from fastrtc import ReplyOnPause, Stream, audio_to_float32, get_stt_model, get_tts_model
from tests.faults.stopping_app import Server
from tests.support.peers import LOCAL

RATE = 16_000

known: set[str] = set()


class ColdServer(Server):
    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        known.update(sys.modules)


def reply(audio):
    rate, samples = audio
    samples = librosa.resample(audio_to_float32(samples), orig_sr=rate, target_sr=RATE)
    yield from voice.stream_tts_sync(f"You said: {ears.stt((RATE, samples))}")
    print(json.dumps(sorted(sys.modules.keys() - known)), flush=True)


if __name__ == "__main__":
    ears = get_stt_model("moonshine/tiny", model_path=sys.argv[1])
    voice = get_tts_model("espeak")
    stream = Stream(
        ReplyOnPause(reply),
        modality="audio",
        mode="send-receive",
        server_rtc_configuration=LOCAL,
        verbose=False,
    )
    app = FastAPI()
    stream.mount(app)
    ColdServer(uvicorn.Config(app, port=0, log_level="warning")).run()
