from fastapi import FastAPI, HTTPException

from fastrtc import ConnectionEnd, Context, ReplyOnPause, Stream


def reply(audio):
    yield audio


def on_disconnect(context: Context, end: ConnectionEnd) -> None:
    if end.stats is not None and end.stats.loss_in is not None:
        print(f"{end.transport}: {end.stats.loss_in:.1%} of the packets of the client were lost")


stream = Stream(
    ReplyOnPause(reply), modality="audio", mode="send-receive", on_disconnect=on_disconnect
)
app = FastAPI()
stream.mount(app)


@app.get("/quality/{webrtc_id}")
def quality(webrtc_id: str):
    try:
        stats = stream.stats(webrtc_id)
    except LookupError:
        raise HTTPException(404) from None
    return {"round_trip_s": stats.round_trip_s, "loss": stats.loss_in, "route": stats.protocol}
