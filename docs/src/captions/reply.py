from fastrtc import ReplyOnPause, Stream, Transcript, get_stt_model, get_tts_model

ears, voice = get_stt_model(), get_tts_model()


def reply(audio):
    text = ears.stt(audio)
    yield Transcript(text, "user")
    yield from voice.stream_tts_sync(f"You said: {text}")


stream = Stream(ReplyOnPause(reply), modality="audio", mode="send-receive", captions=True)

if __name__ == "__main__":
    stream.ui.launch()
