from fastapi import FastAPI

from fastrtc import AsyncStreamHandler, Stream


class Watcher(AsyncStreamHandler):
    """Hears the user, and sees what they share of their screen."""

    def copy(self):
        return Watcher()

    async def receive(self, frame):
        pass

    async def emit(self):
        return None

    async def screen_receive(self, frame):  # BGR, uint8, shape (height, width, 3)
        self.screen = frame


stream = Stream(Watcher(), modality="audio", mode="send-receive")
app = FastAPI()
stream.mount(app, protocols=["fastrtc", "rtvi"])
