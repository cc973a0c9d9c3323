from fastrtc import ReplyOnPause, Stream, get_current_context

heard = []


async def reply(audio):
    answer = audio  # the slow part: nothing of it is played before the turn has ended
    await get_current_context().committed()
    heard.append(answer)  # side effects, such as what the language model remembers
    yield answer


stream = Stream(
    ReplyOnPause(reply, early=True),
    modality="audio",
    mode="send-receive",
)
