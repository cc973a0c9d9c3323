from fastrtc import Stream


def darken(frame, brightness=0.5):
    return (frame * brightness).astype("uint8")


stream = Stream(darken, modality="video", mode="send-receive")
