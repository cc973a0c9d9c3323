import json

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from fastrtc import AdditionalOutputs, ReplyOnPause, Stream


def reply(audio):
    rate, samples = audio
    yield audio
    yield AdditionalOutputs({"seconds": samples.shape[1] / rate})


stream = Stream(ReplyOnPause(reply), modality="audio", mode="send-receive")
app = FastAPI()
stream.mount(app)


@app.get("/outputs")
async def outputs(webrtc_id: str):
    async def events():
        async for output in stream.output_stream(webrtc_id):
            yield f"data: {json.dumps(output.args[0])}\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")
