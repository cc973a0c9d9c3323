from fastrtc import ReplyOnPause, Stream, Warning, WebRTCError


def reply(audio):
    rate, samples = audio
    seconds = samples.shape[1] / rate
    if seconds > 30:
        raise WebRTCError("Please say it in fewer words")
    if seconds > 10:
        Warning("That was long. It may take a moment")
    yield audio


stream = Stream(ReplyOnPause(reply), modality="audio", mode="send-receive")
