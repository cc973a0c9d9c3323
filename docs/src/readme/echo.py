from fastrtc import ReplyOnPause, Stream


def echo(audio):  # called at each end of turn with (48000, int16 samples of shape (1, n))
    yield audio


stream = Stream(ReplyOnPause(echo), modality="audio", mode="send-receive")

if __name__ == "__main__":
    stream.ui.launch()
