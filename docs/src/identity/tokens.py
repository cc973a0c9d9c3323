import os

from fastapi import FastAPI, HTTPException, Request

from fastrtc import ReplyOnPause, Stream, get_current_context


def reply(audio):
    print(get_current_context().user, get_current_context().metadata["plan"])
    yield audio


stream = Stream(ReplyOnPause(reply), modality="audio", mode="send-receive")
tokens = stream.tokens(os.environ["TOKEN_SECRET"])
app = FastAPI()
stream.mount(app)


@app.get("/token")
def token(request: Request) -> dict[str, str]:
    user = request.headers.get("x-user")  # from the session of your web app
    if user is None:
        raise HTTPException(401, "Log in first.")
    return {"token": tokens.issue(user=user, metadata={"plan": "pro"}, ttl=30)}
