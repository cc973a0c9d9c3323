from datetime import datetime

import numpy as np
from PIL import Image, ImageDraw

from fastrtc import Stream


def overlay(frame):  # BGR, uint8, shape (height, width, 3)
    image = Image.fromarray(frame[..., ::-1])
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 150, 24), fill=(0, 0, 0))
    draw.text((8, 6), datetime.now().strftime("%Y-%m-%d %H:%M:%S"), fill=(255, 255, 255))
    return np.asarray(image)[..., ::-1]


stream = Stream(overlay, modality="video", mode="send-receive")

if __name__ == "__main__":
    stream.ui.launch()
