from fastrtc import ReplyOnPause, Stream, get_current_context


def reply(audio):
    context = get_current_context()
    if context.request is not None:
        print(context.request.client_host, context.request.headers.get("user-agent"))
    print("The page is", context.metadata.get("page"), "of", context.user)
    context.state["turns"] = context.state.get("turns", 0) + 1
    yield audio


stream = Stream(ReplyOnPause(reply), modality="audio", mode="send-receive")
