import av

from fastrtc import Stream


def film(path="film.mp4"):
    with av.open(path) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="bgr24")


stream = Stream(film, modality="video", mode="receive")
