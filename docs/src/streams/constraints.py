from fastrtc import Stream


def same(frame):
    return frame


stream = Stream(
    same,
    modality="video",
    mode="send-receive",
    track_constraints={
        "width": {"exact": 640},
        "height": {"exact": 480},
        "frameRate": {"ideal": 15},
    },
    rtp_params={"degradationPreference": "maintain-resolution"},
)
