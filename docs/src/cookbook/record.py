import numpy as np

from fastrtc import Recorder, ReplyOnPause, Stream


def reply(audio):
    rate, samples = audio
    yield rate, np.flip(samples)  # your reply; here, the speech played backwards


stream = Stream(
    ReplyOnPause(reply),
    modality="audio",
    mode="send-receive",
    record=Recorder("recordings/{date} {time} {id}.wav"),
)

if __name__ == "__main__":
    stream.ui.launch()
