from fastrtc import ReplyOnPause, Stream


def echo(audio):  # called when the user has spoken and paused
    yield audio  # (48000, int16 samples of shape (1, n))


stream = Stream(ReplyOnPause(echo), modality="audio", mode="send-receive")

if __name__ == "__main__":
    stream.ui.launch()
