"""Taking turns over a WebSocket: the handler is the one that would serve WebRTC."""

from fastrtc import ReplyOnPause, Stream


def echo(audio):
    """Answers what was said with what was said."""
    yield audio  # (48000, samples): int16, shape (n,) over a WebSocket


stream = Stream(
    ReplyOnPause(echo),
    modality="audio",
    mode="send-receive",
    concurrency_limit=100,
)

if __name__ == "__main__":
    import sys
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from shared.server import serve

    serve(["websocket_echo"])
