import httpx
import numpy as np

from fastrtc import ReplyOnPause, Stream, aggregate_bytes_to_16bit

SERVICE = "http://127.0.0.1:9000/speak"  # responds with 24 kHz, 16-bit PCM


def reply(audio):
    with httpx.stream("POST", SERVICE, json={"text": "Hello"}) as response:
        for samples in aggregate_bytes_to_16bit(response.iter_bytes()):
            yield 24000, np.asarray(samples).reshape(1, -1)


stream = Stream(ReplyOnPause(reply), modality="audio", mode="send-receive")
