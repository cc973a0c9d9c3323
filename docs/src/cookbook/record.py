import wave
from datetime import datetime
from pathlib import Path

import numpy as np

from fastrtc import ReplyOnPause, Stream, audio_to_int16

FOLDER = Path("recordings")
RATE = 48_000


class Recorded(ReplyOnPause):
    """Write every turn, the user's speech and the reply, to one file."""

    def __init__(self):
        super().__init__(self.reply, input_sample_rate=RATE, output_sample_rate=RATE)
        self.file = None

    def write(self, samples):
        if self.file is None:
            FOLDER.mkdir(exist_ok=True)
            name = datetime.now().strftime("%Y-%m-%d %H-%M-%S.%f.wav")
            self.file = wave.open(str(FOLDER / name), "wb")
            self.file.setparams((1, 2, RATE, 0, "NONE", ""))
        self.file.writeframes(audio_to_int16(samples).astype("<i2").tobytes())

    def reply(self, audio):
        self.write(audio[1])
        answer = np.flip(audio[1])  # your reply; here, the speech played backwards
        self.write(answer)
        yield RATE, answer

    def shutdown(self):
        if self.file is not None:
            self.file.close()
        return super().shutdown()


stream = Stream(Recorded(), modality="audio", mode="send-receive")

if __name__ == "__main__":
    stream.ui.launch()
