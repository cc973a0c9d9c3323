"""The page that every stream has: talk, pause, and hear yourself.

`python demo/ui_echo/app.py`, then http://127.0.0.1:7860.
"""

from fastrtc import ReplyOnPause, Stream


def echo(audio):
    """Answers what was said with what was said."""
    yield audio  # (48000, samples): int16, shape (1, n)


stream = Stream(
    ReplyOnPause(echo),
    modality="audio",
    mode="send-receive",
    concurrency_limit=100,
    # Page and server run on one machine here, so no STUN server is needed to find the way.
    rtc_configuration={"iceServers": []},
    server_rtc_configuration={"iceServers": []},
    ui_args={"title": "Echo", "subtitle": "Say something, pause, and hear it back."},
)

if __name__ == "__main__":
    stream.ui.launch(server_name="127.0.0.1")
