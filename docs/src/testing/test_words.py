from fastrtc import ReplyOnPause, Stream
from fastrtc.speech_to_text.pocketsphinx import PocketSphinxSTT
from fastrtc.testing import Call


def repeat(audio):
    yield audio


stream = Stream(ReplyOnPause(repeat), modality="audio", mode="send-receive")
ears = PocketSphinxSTT(["hello computer", "goodbye"])


async def test_no_word_is_lost():
    async with Call(stream, ears=ears, loss=0.02, jitter_ms=30, noise_db=-50) as call:
        await call.say("Hello, computer!")
        await call.finish()
        await call.say("Goodbye.")
        await call.finish()
    assert [turn.heard for turn in call.turns] == ["hello computer", "goodbye"]
