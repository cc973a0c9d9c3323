import queue
import time

from fastrtc import AudioVideoStreamHandler, Stream


def describe(picture):
    """Call a model. Here: return the brightness of the picture."""
    return round(float(picture.mean()))


class Observer(AudioVideoStreamHandler):
    """Analyze one picture per second, and send all of them back."""

    def __init__(self):
        super().__init__(input_sample_rate=16000)
        self.pictures = queue.Queue(maxsize=1)
        self.looked_at = 0.0
        self.seen = None

    def copy(self):
        return Observer()

    def receive(self, frame):
        pass

    def emit(self):
        return None

    def video_receive(self, frame):
        if time.monotonic() - self.looked_at > 1:
            self.looked_at = time.monotonic()
            self.seen = describe(frame)
        if self.pictures.empty():
            self.pictures.put(frame)

    def video_emit(self):
        return self.pictures.get()


stream = Stream(Observer(), modality="audio-video", mode="send-receive")
