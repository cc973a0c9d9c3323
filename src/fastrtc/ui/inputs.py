"""The events by which a page starts a stream and sends the inputs of its handler."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from gradio.components.base import Component

from ._compat import hidden_event
from .options import SendInputOn
from .value import START

__all__ = [
    "check_inputs",
    "listen_for_inputs",
    "listen_for_start",
    "warn_of_ignored_outputs",
]

logger = logging.getLogger(__name__)


def check_inputs(component: Any, inputs: Any) -> list[Component]:
    """Return the inputs of a stream other than its component.

    Args:
        component: The ``WebRTC`` component.
        inputs: The argument of its ``stream``.

    Raises:
        ValueError: If they are no components, or the component is not the first.
    """
    given = list(inputs) if isinstance(inputs, list | tuple | set) else [inputs]
    if inputs is None:
        given = []
    extras = [one for one in given if one is not component]
    if component.mode != "receive" and given and given[0] is not component:
        raise ValueError("inputs must begin with the WebRTC component itself")
    if len(extras) < len(given) - 1:
        raise ValueError("inputs has the WebRTC component more than once")
    for extra in extras:
        if not isinstance(extra, Component):
            raise ValueError(f"inputs must be components, not {extra!r}")
    return extras


def warn_of_ignored_outputs(component: Any, outputs: Any) -> None:
    """Log a warning if a stream has outputs other than its component."""
    given = list(outputs) if isinstance(outputs, list | tuple | set) else [outputs]
    if outputs is not None and any(one is not component for one in given):
        logger.warning(
            "outputs of stream() may only contain the WebRTC component, others are ignored: "
            "yield AdditionalOutputs and call on_additional_outputs"
        )


def listen_for_inputs(
    component: Any,
    extras: Sequence[Component],
    *,
    set_inputs: Callable[..., None],
    submit_inputs: Callable[..., None],
    send_input_on: SendInputOn,
) -> Any:
    """Add the events by which the page sends inputs.

    Args:
        component: The ``WebRTC`` component, whose value is the first input.
        extras: The components of the other inputs.
        set_inputs: Called with the inputs when the page connects, when the handler requests them,
            and when one changes or is submitted.
        submit_inputs: Called with the inputs when text is submitted in the component.
        send_input_on: When to send an input; one without a submit event is sent when it changes.

    Returns:
        The event for the requests of the handler.
    """
    options = {
        "inputs": [component, *extras],
        "queue": False,
        "show_progress": "hidden",
        "trigger_mode": "multiple",
    }
    tick = hidden_event(component.tick, fn=set_inputs, **options)
    if component.variant == "textbox":
        hidden_event(component.submit, fn=submit_inputs, **options)
    for extra in extras:
        for name in dict.fromkeys((send_input_on, "change")):
            if extra.has_event(name):
                hidden_event(getattr(extra, name), fn=set_inputs, **options)
                break
    return tick


def listen_for_start(component: Any, trigger: Callable[..., Any], js: str | None) -> Any:
    """Add the event that makes the page start a stream.

    Args:
        component: The ``WebRTC`` component.
        trigger: The method that adds it, such as ``button.click``.
        js: JavaScript to run before.
    """
    return hidden_event(
        trigger,
        fn=lambda: START,
        inputs=None,
        outputs=[component],
        js=js,
        queue=False,
        show_progress="hidden",
    )
