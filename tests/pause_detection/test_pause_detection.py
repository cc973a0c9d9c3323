"""The package's own names."""

from fastrtc import pause_detection
from fastrtc.pause_detection import protocol, silero


def test_the_public_list_is_the_reference_s():
    assert pause_detection.__all__ == [
        "ModelOptions",
        "PauseDetectionModel",
        "SileroVADModel",
        "SileroVadOptions",
        "get_silero_model",
    ]
    for name in pause_detection.__all__:
        home = protocol if hasattr(protocol, name) else silero
        assert getattr(pause_detection, name) is getattr(home, name)
