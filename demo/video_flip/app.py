"""Video flip: your camera's picture comes back upside down."""

import numpy as np

from fastrtc import Stream


def flip(frame):
    """Take a picture, give a picture: BGR, uint8, shape (height, width, 3)."""
    return np.flip(frame, axis=0)


stream = Stream(
    flip,
    modality="video",
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

    serve(["video_flip"])
