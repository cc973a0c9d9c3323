from fastapi import FastAPI, HTTPException

from fastrtc import ReplyOnPause, Stream, get_tts_model

voice = get_tts_model("espeak")


def reply(audio):
    for number in range(1, 1000):
        yield from voice.stream_tts_sync(f"{number}.")


stream = Stream(ReplyOnPause(reply), modality="audio", mode="send-receive")

app = FastAPI()
stream.mount(app)


@app.post("/hush")
async def hush(webrtc_id: str):
    if webrtc_id not in stream.handlers:
        raise HTTPException(404, "There is no such connection")
    stream.interrupt(webrtc_id)  # ends the reply, and drops the queued audio
