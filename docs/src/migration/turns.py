from fastrtc import (
    AdditionalOutputs,
    AlgoOptions,
    ReplyOnPause,
    SileroVadOptions,
    Stream,
)


def reply(audio, history=None):
    history = [*(history or []), f"turn of {audio[1].shape[1] / audio[0]:.0f} s"]
    yield audio
    yield AdditionalOutputs(history)


stream = Stream(
    handler=ReplyOnPause(
        reply,
        algo_options=AlgoOptions(
            audio_chunk_duration=0.6,
            started_talking_threshold=0.2,
            speech_threshold=0.1,
        ),
        model_options=SileroVadOptions(
            threshold=0.5,
            min_speech_duration_ms=250,
            min_silence_duration_ms=100,
        ),
        can_interrupt=True,
    ),
    modality="audio",
    mode="send-receive",
    concurrency_limit=5,
    time_limit=90,
)
