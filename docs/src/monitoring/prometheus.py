import hmac
import os

from fastapi import FastAPI
from starlette.routing import Route

from fastrtc import ReplyOnPause, Stream
from fastrtc.metrics import prometheus

TOKEN = os.getenv("METRICS_TOKEN", "")


def reply(audio):
    yield audio


def is_prometheus(request):
    """Accept every request without a token, as in a network that only Prometheus reaches."""
    given = request.headers.get("authorization", "")
    return not TOKEN or hmac.compare_digest(given.encode(), f"Bearer {TOKEN}".encode())


stream = Stream(
    ReplyOnPause(reply),
    modality="audio",
    mode="send-receive",
    concurrency_limit=20,
)
app = FastAPI()
stream.mount(app)
app.routes.append(Route("/metrics", prometheus(stream, authorize=is_prometheus)))
