"""Something for the fake camera to see that has an up and a down, and a left and a right."""

from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw

__all__ = ["write_street"]


def write_street(path: Path) -> None:
    """Write the file for the fake camera, MJPEG: a red car, and somebody beside it."""
    image = Image.new("RGB", (640, 480), (214, 222, 226))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 380, 640, 480), (92, 94, 98))
    pen.rounded_rectangle((70, 290, 330, 370), 20, (222, 30, 30))
    pen.polygon([(120, 290), (160, 240), (260, 240), (300, 290)], (222, 30, 30))
    for left in (100, 240):
        pen.ellipse((left, 340, left + 56, 396), (40, 40, 44))
    pen.ellipse((472, 190, 512, 230), (196, 140, 104))
    pen.rounded_rectangle((458, 234, 526, 330), 20, (58, 110, 80))
    pen.rectangle((466, 325, 488, 410), (50, 56, 90))
    pen.rectangle((496, 325, 518, 410), (50, 56, 90))
    with av.open(str(path), "w", format="mjpeg") as file:
        stream = file.add_stream("mjpeg", rate=30)
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuvj420p"
        frame = av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24")
        for _ in range(30):
            file.mux(stream.encode(frame.reformat(640, 480, "yuvj420p")))
        file.mux(stream.encode(None))
