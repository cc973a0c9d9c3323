from fastrtc import AlgoOptions, ReplyOnPause, SileroVadOptions, Stream


def reply(audio):
    yield audio


stream = Stream(
    ReplyOnPause(
        reply,
        algo_options=AlgoOptions(audio_chunk_duration=1.0, min_interruption_s=0.8),
        model_options=SileroVadOptions(threshold=0.6),
    ),
    modality="audio",
    mode="send-receive",
)
