"""The demo that takes turns: keeps what it hears and its turns, and fails at each third."""

import json
import os
import sys
from collections import Counter
from pathlib import Path

from fastrtc import ReplyOnPause, Stream, get_current_context

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "demo")]

import taking_turns.app  # noqa: E402
from shared import server  # noqa: E402

from tests.support.speech import write_wav  # noqa: E402

FOLDER = Path(os.environ["KEPT_IN"])
heard = Counter()


def keep(audio):
    rate, samples = audio
    webrtc_id = get_current_context().webrtc_id
    heard[webrtc_id] += 1
    write_wav(FOLDER / f"{webrtc_id}-{heard[webrtc_id]}.wav", rate, samples[0])
    if heard[webrtc_id] == 3:
        raise RuntimeError("I have lost my voice")
    yield from taking_turns.app.echo(audio)


def keep_turn(turn):
    with (FOLDER / f"{turn.webrtc_id}.jsonl").open("a") as file:
        file.write(json.dumps(turn.as_dict()) + "\n")


taking_turns.app.stream = Stream(
    ReplyOnPause(keep),
    modality="audio",
    mode="send-receive",
    server_rtc_configuration={"iceServers": []},
    on_turn=keep_turn,
)
server.serve(["taking_turns"])
