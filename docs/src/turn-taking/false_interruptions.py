from fastrtc import Interruptions, ReplyOnPause, Stream


def reply(audio):
    yield audio


stream = Stream(
    ReplyOnPause(
        reply,
        interruptions=Interruptions(
            after_s=0.5,  # speech that interrupts
            resume_after_s=1.0,  # silence after which the reply goes on
            while_thinking_s=0.3,  # as after_s, before the reply is heard
        ),
    ),
    modality="audio",
    mode="send-receive",
)
