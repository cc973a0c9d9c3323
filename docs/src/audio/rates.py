from fastrtc import ReplyOnPause, Stream


def reply(audio):
    rate, samples = audio  # 16000
    yield rate, samples


stream = Stream(
    ReplyOnPause(reply, input_sample_rate=16000, output_sample_rate=16000),
    modality="audio",
    mode="send-receive",
)
