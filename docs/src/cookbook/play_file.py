import wave

import numpy as np

from fastrtc import Stream


def play():
    with wave.open("speech.wav", "rb") as file:  # mono, 16 bit
        rate = file.getframerate()
        while data := file.readframes(rate):  # one second at a time
            yield rate, np.frombuffer(data, np.int16)


stream = Stream(play, modality="audio", mode="receive")

if __name__ == "__main__":
    stream.ui.launch()
