from fastrtc import ReplyOnPause, Stream


def echo(audio):
    yield audio


stream = Stream(ReplyOnPause(echo), modality="audio", mode="send-receive")

if __name__ == "__main__":
    stream.fastphone()
