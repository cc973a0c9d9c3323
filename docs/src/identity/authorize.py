from fastapi import FastAPI, Request, WebSocket

from fastrtc import ReplyOnPause, Stream, Unauthorized, get_current_context

USERS = {"d41d8cd9": {"name": "Ada", "plan": "pro"}}  # from your database


async def authorize(request: Request | WebSocket) -> dict[str, str]:
    user = USERS.get(request.cookies.get("session", ""))
    if user is None:
        raise Unauthorized("Log in first.")
    return user


def reply(audio):
    print(get_current_context().user["name"], "has spoken")
    yield audio


stream = Stream(ReplyOnPause(reply), modality="audio", mode="send-receive", authorize=authorize)
app = FastAPI()
stream.mount(app)
