from typing import Any

from fastrtc import ReplyOnPause, Stream, get_current_context


def reply(audio):
    volume = get_current_context().state.get("volume", 1.0)
    rate, samples = audio
    yield rate, (samples * volume).astype("int16")


def on_message(message: dict[str, Any]):
    if message["type"] == "volume":
        context = get_current_context()
        context.state["volume"] = float(message["data"])
        context.send({"type": "volume_set", "data": message["data"]})


stream = Stream(ReplyOnPause(reply, on_message=on_message), modality="audio", mode="send-receive")
