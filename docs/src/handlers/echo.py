import queue

from fastrtc import Stream, StreamHandler


class Echo(StreamHandler):
    def __init__(self):
        super().__init__(input_sample_rate=24000, output_sample_rate=24000)
        self.chunks = queue.Queue()

    def copy(self):
        return Echo()

    def receive(self, frame):  # (24000, int16 samples of shape (1, n))
        self.chunks.put(frame)

    def emit(self):
        return self.chunks.get()  # blocks a thread of this connection


stream = Stream(Echo(), modality="audio", mode="send-receive")
