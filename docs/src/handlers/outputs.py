import numpy as np

from fastrtc import AdditionalOutputs, CloseStream, Stream, StreamHandler


class Countdown(StreamHandler):
    """Beep three times, report how many beeps are left, and hang up."""

    def __init__(self):
        super().__init__(output_sample_rate=24000)
        self.left = 3

    def copy(self):
        return Countdown()

    def receive(self, frame):
        pass

    def emit(self):
        if self.left == 0:
            return CloseStream("That was all")
        self.left -= 1
        beep = np.sin(np.arange(4800) * 880 * 2 * np.pi / 24000) / 4
        pause = np.zeros(4800)
        samples = np.concatenate([beep, pause]).astype("float32")
        return (24000, samples), AdditionalOutputs(self.left)


stream = Stream(Countdown(), modality="audio", mode="send-receive")
