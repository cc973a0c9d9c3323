from fastapi import FastAPI

from fastrtc import ReplyOnPause, Stream, get_current_context


def reply(audio):
    get_current_context().send({"type": "heard", "data": f"{audio[1].shape[1]} samples"})
    yield audio


stream = Stream(ReplyOnPause(reply), modality="audio", mode="send-receive")


@stream.method
def add(numbers: list[int]) -> int:
    return sum(numbers)


app = FastAPI()
stream.mount(app, protocols=["fastrtc", "rtvi"])
