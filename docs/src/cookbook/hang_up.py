from fastapi import FastAPI

from fastrtc import ReplyOnPause, Stream


def reply(audio):
    yield audio


stream = Stream(
    ReplyOnPause(reply),
    modality="audio",
    mode="send-receive",
    time_limit=600,  # s; maximum duration of a call
)

app = FastAPI()
stream.mount(app)


@app.post("/hang-up")
async def hang_up(webrtc_id: str):
    stream.clean_up(webrtc_id)  # an unknown id is ignored
