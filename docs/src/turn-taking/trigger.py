from fastapi import FastAPI

from fastrtc import ReplyOnPause, Stream


def reply(audio):
    yield audio


stream = Stream(ReplyOnPause(reply), modality="audio", mode="send-receive")
app = FastAPI()
stream.mount(app)


@app.post("/answer-now/{webrtc_id}")
async def answer_now(webrtc_id: str):
    stream.handlers[webrtc_id].trigger_response()
