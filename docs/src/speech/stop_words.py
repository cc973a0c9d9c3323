from fastrtc import ReplyOnStopWords, Stream


def reply(audio):  # the speech after "computer"
    yield audio


stream = Stream(
    ReplyOnStopWords(
        reply,
        stop_words=["computer", "hey computer"],
        stt_model="pocketsphinx",
    ),
    modality="audio",
    mode="send-receive",
)

if __name__ == "__main__":
    stream.ui.launch()
