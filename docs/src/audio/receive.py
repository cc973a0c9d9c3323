import numpy as np

from fastrtc import Stream


def scale():
    for semitone in (0, 2, 4, 5, 7, 9, 11, 12):
        frequency = 261.6 * 2 ** (semitone / 12)
        phase = np.arange(9600) * frequency * 2 * np.pi / 24000
        yield 24000, (np.sin(phase) / 4).astype("float32").reshape(1, -1)


stream = Stream(scale, modality="audio", mode="receive")
