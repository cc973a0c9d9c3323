import queue

import numpy as np

from fastrtc import Stream, StreamHandler


class Jukebox(StreamHandler):
    """Play a long tone until the user speaks up."""

    def __init__(self):
        super().__init__(output_sample_rate=24000)
        self.songs = queue.Queue()

    def copy(self):
        return Jukebox()

    def start_up(self):
        for frequency in (440, 550, 660):
            phase = np.arange(5 * 24000) * frequency * 2 * np.pi / 24000
            self.songs.put((24000, (np.sin(phase) / 4).astype("float32")))

    def receive(self, frame):
        _, samples = frame
        if np.abs(samples.astype("int32")).max() > 8000:
            self.clear_queue()  # drops the queued audio

    def emit(self):
        try:
            return self.songs.get(timeout=0.1)
        except queue.Empty:
            return None


stream = Stream(Jukebox(), modality="audio", mode="send-receive")
