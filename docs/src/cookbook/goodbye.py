from fastrtc import CloseStream, ReplyOnPause, Stream, get_stt_model, get_tts_model

ears = get_stt_model("pocketsphinx", words=["goodbye", "hello", "yes", "no"])
voice = get_tts_model("espeak")


def reply(audio):
    if ears.stt(audio) == "goodbye":
        yield from voice.stream_tts_sync("Goodbye.")
        yield CloseStream("You said goodbye")  # after all of that has been played
    else:
        yield from voice.stream_tts_sync("Say goodbye to end the call.")


stream = Stream(ReplyOnPause(reply), modality="audio", mode="send-receive")

if __name__ == "__main__":
    stream.ui.launch()
