from fastapi import FastAPI

from fastrtc import ReplyOnPause, Stream, get_tts_model


def reply(audio):
    yield audio


stream = Stream(
    ReplyOnPause(reply),
    modality="audio",
    mode="send-receive",
    voice=get_tts_model("espeak"),
)

app = FastAPI()
stream.mount(app)


@app.post("/say")
async def say(webrtc_id: str, text: str):
    played = await stream.say(webrtc_id, text)  # after a running reply
    return {"played": played}  # False if it was interrupted
