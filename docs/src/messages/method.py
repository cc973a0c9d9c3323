from fastrtc import ReplyOnPause, Stream

PRICES = {"tea": 2.5, "coffee": 3.0}


def echo(audio):
    yield audio


stream = Stream(ReplyOnPause(echo), modality="audio", mode="send-receive")


@stream.method
def price_of(data: dict[str, str]) -> float:
    return PRICES[data["item"]]
