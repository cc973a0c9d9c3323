from fastrtc import AdditionalOutputs, ReplyOnPause, Stream, get_tts_model

voice = get_tts_model("espeak")


def greet(audio, name: str):
    yield AdditionalOutputs(f"Greeting {name}")
    yield from voice.stream_tts_sync(f"Hello, {name}.")


stream = Stream(ReplyOnPause(greet), modality="audio", mode="send-receive")


async def test_it_greets_by_name(call):  # the fixture records the calls of a test that fails
    async with call(stream) as caller:
        caller.inputs("Ada")
        await caller.say("Hello!")
        await caller.finish()
    assert caller.outputs == [("Greeting Ada",)]
    assert {"type": "log", "data": "response_starting"} in caller.messages
    assert caller.turns[0].latency_s < 0.8
