from fastapi import FastAPI, HTTPException

from fastrtc import ReplyOnPause, Stream, get_current_context, get_tts_model

voice = get_tts_model("espeak")
to_say: dict[str, str] = {}


def reply(audio):
    text = to_say.pop(get_current_context().webrtc_id, None)
    if text is None:  # the user has spoken
        yield audio
    else:
        yield from voice.stream_tts_sync(text)


stream = Stream(ReplyOnPause(reply), modality="audio", mode="send-receive")

app = FastAPI()
stream.mount(app)


@app.post("/say")
async def say(webrtc_id: str, text: str):
    handler = stream.handlers.get(webrtc_id)
    if handler is None:
        raise HTTPException(404, "There is no such connection")
    to_say[webrtc_id] = text
    handler.trigger_response()  # interrupts the current reply and calls `reply`
