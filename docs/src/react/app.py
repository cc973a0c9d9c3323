from fastapi import FastAPI

from fastrtc import ReplyOnPause, Stream, Transcript, get_current_context


def reply(audio):
    rate, samples = audio
    name = get_current_context().metadata.get("name", "you")
    yield Transcript(f"I have heard {name} for {samples.size / rate:.1f} s.", "assistant")
    yield audio


stream = Stream(ReplyOnPause(reply), modality="audio", mode="send-receive")


@stream.method
def price_of(data: dict[str, str]) -> float:
    return {"tea": 2.5, "coffee": 3.0}[data["item"]]


app = FastAPI()
stream.mount(app, path="/api")
