from fastrtc import ReplyOnPause, Stream, get_cloudflare_turn_credentials_async


def reply(audio):
    yield audio


stream = Stream(
    ReplyOnPause(reply),
    modality="audio",
    mode="send-receive",
    rtc_configuration=get_cloudflare_turn_credentials_async,
)

if __name__ == "__main__":
    stream.ui.launch()
