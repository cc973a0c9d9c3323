"""Taking turns: say something and pause, and you hear it back. Speak again, and it stops."""

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
    server_rtc_configuration={"iceServers": []},
)

if __name__ == "__main__":
    import sys
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from shared.server import serve

    serve(["echo_audio"])
