"""How the default page looks: what is taken, and what is refused."""

import pytest

from fastrtc.ui.options import UIArgs, check_look, check_ui_args


def test_nothing_is_an_empty_dict():
    assert check_ui_args(None, "video") == {}


def test_all_that_there_is_is_taken():
    args: UIArgs = {
        "title": "T",
        "subtitle": "S",
        "icon": "phone.svg",
        "icon_button_color": "black",
        "pulse_color": "#fff",
        "icon_radius": 50,
        "send_input_on": "submit",
        "hide_title": True,
        "full_screen": False,
        "variant": "wave",
        "assistant_name": "Ada",
    }
    assert set(args) == set(UIArgs.__annotations__)
    assert check_ui_args(args, "audio") is args


@pytest.mark.parametrize(
    "modality, args, complaint",
    [
        ("video", {"title": 3}, "title of ui_args must be a string, not 3"),
        ("audio", {"assistant_name": " "}, "assistant_name must be a non-empty string"),
        ("audio", {"assistant_name": 3}, "assistant_name must be a non-empty string, not 3"),
        ("video", {"full_screen": "no"}, "full_screen of ui_args must be True or False"),
        ("video", {"send_input_on": "blur"}, "must be 'change' or 'submit', not 'blur'"),
        ("video", {"variant": "textbox"}, "variant='textbox' is for audio"),
        ("audio", {"variant": "chat"}, "variant must be 'wave' or 'textbox', not 'chat'"),
        ("audio", {"icon_radius": -1}, "icon_radius must be a number of at least 0, not -1"),
        ("audio", ["title"], "ui_args must be a dict or None, not list"),
    ],
)
def test_what_is_wrong_is_named(modality: str, args: object, complaint: str):
    with pytest.raises(ValueError, match=complaint):
        check_ui_args(args, modality)


def test_an_unknown_key_is_warned_of():
    with pytest.warns(UserWarning, match="unknown keys: colour"):
        check_ui_args({"colour": "red"}, "audio")


def test_a_look_without_anything_fits_every_modality():
    for modality in ("audio", "video", "audio-video"):
        check_look(modality, icon=None, icon_radius=None, variant=None)


def test_an_icon_of_a_video_is_ignored_as_it_always_was() -> None:
    with pytest.warns(UserWarning, match="icon is for audio: it is ignored"):
        check_ui_args({"icon": "a.svg", "pulse_color": "red", "icon_radius": 100}, "video")
