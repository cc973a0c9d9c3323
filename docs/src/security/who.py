from contextvars import ContextVar

from fastapi import FastAPI, Request, WebSocket

from fastrtc import AsyncStreamHandler, Stream

user: ContextVar[str] = ContextVar("user", default="a guest")


async def authorize(request: Request | WebSocket) -> None:
    user.set(request.headers.get("x-user", "a guest"))  # set by an authenticating proxy


class Echo(AsyncStreamHandler):
    def __init__(self) -> None:
        super().__init__()
        self.user = user.get()

    def copy(self) -> "Echo":
        return Echo()  # runs in the context of the request

    async def receive(self, frame) -> None: ...

    async def emit(self) -> None: ...


stream = Stream(Echo(), modality="audio", mode="send-receive", authorize=authorize)
app = FastAPI()
stream.mount(app)
