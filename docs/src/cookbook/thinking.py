import time

import numpy as np

from fastrtc import ReplyOnPause, Stream, get_tts_model

voice = get_tts_model("espeak")
beep = (np.sin(np.arange(2400) / 24_000 * 660 * 2 * np.pi) * 3000).astype(np.int16)
beep_and_rest = np.concatenate([beep, np.zeros(24_000, np.int16)])  # repeated


def reply(audio):
    time.sleep(2)  # stands for a slow model
    yield from voice.stream_tts_sync("Here is the answer.")


stream = Stream(
    ReplyOnPause(reply, while_thinking=(24_000, beep_and_rest)),
    modality="audio",
    mode="send-receive",
)

if __name__ == "__main__":
    stream.ui.launch()
