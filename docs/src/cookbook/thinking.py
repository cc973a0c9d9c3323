import time

import numpy as np

from fastrtc import ReplyOnPause, Stream, get_tts_model

voice = get_tts_model("espeak")
beep = (np.sin(np.arange(2400) / 24_000 * 660 * 2 * np.pi) * 3000).astype(np.int16)


def reply(audio):
    yield 24_000, beep  # played immediately
    time.sleep(0.5)  # stands for a slow model
    yield from voice.stream_tts_sync("Here is the answer.")


stream = Stream(ReplyOnPause(reply), modality="audio", mode="send-receive")

if __name__ == "__main__":
    stream.ui.launch()
