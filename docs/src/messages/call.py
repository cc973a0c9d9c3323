from fastrtc import ClientCallError, ReplyOnPause, Stream, get_current_context


async def reply(audio):
    try:
        place = await get_current_context().call("location", {"exact": False}, timeout_s=5)
    except ClientCallError as error:
        place = f"unknown: {error}"
    print("The user is at", place)
    yield audio


stream = Stream(ReplyOnPause(reply), modality="audio", mode="send-receive")
