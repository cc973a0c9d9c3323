"""``UIArgs``: options of the default page."""

from __future__ import annotations

import warnings
from typing import Any, Literal, TypedDict, get_args

__all__ = [
    "SEND_INPUT_ON",
    "SendInputOn",
    "UIArgs",
    "Variant",
    "check_button_labels",
    "check_look",
    "check_ui_args",
]

Variant = Literal["wave", "textbox"]
SendInputOn = Literal["change", "submit"]
SEND_INPUT_ON = get_args(SendInputOn)

_TEXTS = ("title", "subtitle", "icon", "icon_button_color", "pulse_color")
_SWITCHES = ("hide_title", "full_screen")
_BUTTONS = {"start", "stop", "waiting"}


class UIArgs(TypedDict, total=False):
    """Options of the default page. All are optional.

    Attributes:
        title: The heading, and the title of the browser tab. May contain HTML.
        subtitle: A line below the heading. May contain HTML.
        icon: For audio: the path or URL of an image to show instead of the waveform.
        icon_button_color: The CSS color of the round button behind the icon.
        pulse_color: The CSS color of the pulse around it.
        icon_radius: The corner radius of the icon, in percent: 50 is a circle.
        send_input_on: Whether an additional input is sent to the handler when it changes, or when
            it is submitted.
        assistant_name: The name of the other participant, "Assistant" by default.
        hide_title: Whether to hide the heading.
        full_screen: For video: whether the video fills the window.
        variant: For audio: a waveform, or a text box that also takes speech.
    """

    title: str
    subtitle: str
    icon: str | None
    icon_button_color: str
    pulse_color: str
    icon_radius: int
    send_input_on: SendInputOn
    hide_title: bool
    full_screen: bool
    variant: Variant
    assistant_name: str


def check_ui_args(ui_args: Any, modality: str) -> UIArgs:
    """Validate the arguments and return them as a dict.

    An unknown key causes a warning, because FastRTC ignored it.

    Raises:
        ValueError: If a value is invalid; the error names it.
    """
    if ui_args is None:
        return {}
    if not isinstance(ui_args, dict):
        raise ValueError(f"ui_args must be a dict or None, not {type(ui_args).__name__}")
    unknown = sorted(map(str, set(ui_args) - set(UIArgs.__annotations__)))
    if unknown:
        warnings.warn(f"ui_args has unknown keys: {', '.join(unknown)}", UserWarning, stacklevel=3)
    for name, value in ui_args.items():
        if value is None:
            continue
        if name in _TEXTS and not isinstance(value, str):
            raise ValueError(f"{name} of ui_args must be a string, not {value!r}")
        if name in _SWITCHES and not isinstance(value, bool):
            raise ValueError(f"{name} of ui_args must be True or False, not {value!r}")
    if ui_args.get("send_input_on") not in (None, *SEND_INPUT_ON):
        raise ValueError(
            "send_input_on of ui_args must be 'change' or 'submit', "
            f"not {ui_args['send_input_on']!r}"
        )
    check_look(
        modality,
        icon=ui_args.get("icon"),
        icon_radius=ui_args.get("icon_radius"),
        variant=ui_args.get("variant"),
        assistant_name=ui_args.get("assistant_name"),
    )
    return ui_args  # type: ignore[return-value]


def check_look(
    modality: str, *, icon: Any, icon_radius: Any, variant: Any, assistant_name: Any = None
) -> None:
    """Check that the options fit the modality.

    Raises:
        ValueError: If not; the error names the argument.
    """
    if variant not in (None, *get_args(Variant)):
        raise ValueError(f"variant must be 'wave' or 'textbox', not {variant!r}")
    if variant == "textbox" and modality != "audio":
        raise ValueError(f"variant='textbox' is for audio, not for modality={modality!r}")
    if icon is not None and modality != "audio":
        warnings.warn("icon is for audio: it is ignored", UserWarning, stacklevel=4)
    if icon_radius is not None and (
        isinstance(icon_radius, bool)
        or not isinstance(icon_radius, int | float)
        or not icon_radius >= 0
    ):
        raise ValueError(f"icon_radius must be a number of at least 0, not {icon_radius!r}")
    if assistant_name is not None and not (
        isinstance(assistant_name, str) and assistant_name.strip()
    ):
        raise ValueError(f"assistant_name must be a non-empty string, not {assistant_name!r}")


def check_button_labels(labels: Any) -> None:
    """Check the labels of the buttons of a component.

    Raises:
        ValueError: If they are not a dict, or one is for an unknown button.
    """
    if labels is not None and not isinstance(labels, dict):
        raise ValueError(f"button_labels must be a dict or None, not {type(labels).__name__}")
    if not set(labels or ()) <= _BUTTONS:
        raise ValueError(f"button_labels may have 'start', 'stop' and 'waiting', not {labels!r}")
