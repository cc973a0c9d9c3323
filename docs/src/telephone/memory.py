from fastrtc import AdditionalOutputs, ReplyOnPause, Stream, get_tts_model

voice = get_tts_model("espeak")


def reply(audio, turns=0):  # on the phone, the last outputs are passed back
    yield from voice.stream_tts_sync(f"You have spoken {turns + 1} times.")
    yield AdditionalOutputs(turns + 1)


stream = Stream(ReplyOnPause(reply), modality="audio", mode="send-receive")
