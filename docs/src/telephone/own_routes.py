from fastapi import FastAPI, Request, WebSocket

from fastrtc import ReplyOnPause, Stream


def echo(audio):
    yield audio


stream = Stream(ReplyOnPause(echo), modality="audio", mode="send-receive")
app = FastAPI()


@app.post("/shop/telephone/incoming")
async def incoming(request: Request):
    return await stream.handle_incoming_call(request)


@app.websocket("/shop/telephone/handler")
async def handler(websocket: WebSocket):
    await stream.telephone_handler(websocket)
