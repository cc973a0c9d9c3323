"""The words for modalities, modes and layouts, which arguments are checked against."""

from typing import get_args

from fastrtc.core import types


def test_words():
    assert get_args(types.Modality) == ("video", "audio", "audio-video")
    assert get_args(types.Mode) == ("send-receive", "receive", "send")
    assert get_args(types.Layout) == ("mono", "stereo")


def test_a_stretch_of_speech_is_a_dict():
    assert types.AudioChunk(start=0, end=16) == {"start": 0, "end": 16}


def test_all_names_are_there():
    assert all(hasattr(types, name) for name in types.__all__)
