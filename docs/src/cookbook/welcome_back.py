from fastrtc import Context, ReplyOnPause, Stream, get_tts_model

voice = get_tts_model("espeak")


def reply(audio):
    yield from voice.stream_tts_sync("It is number one. It is number two. It is number three.")


async def on_reconnect(context: Context):
    await stream.say(context.webrtc_id, "There you are again.")  # after the rest of a reply


stream = Stream(
    ReplyOnPause(reply),
    modality="audio",
    mode="send-receive",
    voice=voice,
    resume_within_s=120,
    on_reconnect=on_reconnect,
)

if __name__ == "__main__":
    stream.ui.launch()
