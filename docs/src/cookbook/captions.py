import json

from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from fastapi.staticfiles import StaticFiles

from fastrtc import AdditionalOutputs, ReplyOnPause, Stream, get_tts_model

voice = get_tts_model("espeak")


def reply(audio):
    for sentence in ("This is the first.", "This is the second."):
        yield AdditionalOutputs(sentence)  # arrives immediately
        yield from voice.stream_tts_sync(sentence)


stream = Stream(ReplyOnPause(reply), modality="audio", mode="send-receive")

app = FastAPI()
stream.mount(app)
app.mount("/fastrtc", StaticFiles(packages=[("fastrtc", "static")]))


@app.get("/captions")
async def captions(webrtc_id: str):
    async def events():
        async for outputs in stream.output_stream(webrtc_id):
            yield f"data: {json.dumps(outputs.args[0])}\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")
