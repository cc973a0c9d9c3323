from fastapi import FastAPI

from fastrtc import ReplyOnPause, Stream, get_turn_credentials_async


def reply(audio):
    yield audio


stream = Stream(
    ReplyOnPause(reply),
    modality="audio",
    mode="send-receive",
    concurrency_limit=20,
    time_limit=1800,
    rtc_configuration=get_turn_credentials_async,
)
app = FastAPI()
stream.mount(app)
stream.mount_health(app)


@app.get("/rtc-configuration")
async def rtc_configuration():
    return await stream.get_rtc_configuration()
