from fastrtc import ReplyOnPause, Stream, get_stt_model, get_tts_model

ears = get_stt_model("pocketsphinx", words=["yes", "no", "monday", "tuesday"])
voice = get_tts_model("espeak")


def reply(audio):
    text = ears.stt(audio)
    yield from voice.stream_tts_sync(f"You said {text}.")


stream = Stream(ReplyOnPause(reply), modality="audio", mode="send-receive")

if __name__ == "__main__":
    stream.ui.launch()
