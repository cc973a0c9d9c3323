"""The default constraints of microphone and camera."""

from fastrtc.ui.constraints import default_track_constraints

AUDIO = {
    "echoCancellation": True,
    "noiseSuppression": {"exact": True},
    "autoGainControl": {"exact": True},
    "sampleRate": {"ideal": 24000},
    "sampleSize": {"ideal": 16},
    "channelCount": {"exact": 1},
}


def video(width: int, height: int) -> dict:
    return {
        "facingMode": "user",
        "width": {"ideal": width},
        "height": {"ideal": height},
        "frameRate": {"ideal": 30},
    }


def test_sound():
    assert default_track_constraints("audio", True) == AUDIO


def test_a_picture_is_as_large_as_the_place_for_it():
    assert default_track_constraints("video", True) == video(1280, 720)
    assert default_track_constraints("video", False) == video(500, 500)


def test_both_are_nested():
    assert default_track_constraints("audio-video", False) == {
        "video": video(500, 500),
        "audio": AUDIO,
    }
