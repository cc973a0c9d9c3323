import asyncio

from fastrtc import ReplyOnPause, Stream


async def reply(audio):
    rate, samples = audio
    await asyncio.sleep(0.5)  # call a service for the answer
    for start in range(0, samples.shape[1], rate):
        yield rate, samples[:, start : start + rate]


stream = Stream(ReplyOnPause(reply), modality="audio", mode="send-receive")
