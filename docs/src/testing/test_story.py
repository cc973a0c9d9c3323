from fastrtc import ReplyOnPause, Stream, get_tts_model
from fastrtc.testing import Call

voice = get_tts_model("espeak")
STORY = """Once upon a time there was a king who had three daughters. The youngest was called Ada,
and she liked numbers. One day she built a machine that could add and multiply."""


def tell(audio):
    yield from voice.stream_tts_sync(STORY)


stream = Stream(ReplyOnPause(tell), modality="audio", mode="send-receive")


async def test_it_stops_when_interrupted():
    async with Call(stream) as call:
        await call.say("Tell me a long story.")
        reply = await call.reply()
        await call.say("Stop!", at=reply.starts_s + 2)
        await call.finish()
    first, second = call.turns
    assert first.latency_s < 0.7 and first.interrupted and first.stopped_after_s < 0.5
    assert second.latency_s < 0.7
