"""Which functions are an ``on_message``."""

from typing import Any

import pytest

from fastrtc.handlers.client_message import check_on_message, takes_message


class Program:
    def on_message(self, message: Any) -> None: ...

    def of_a_library(self, socket: Any, message: Any) -> None: ...

    def without(self) -> None: ...

    async def later(self, message: Any, more: int = 1) -> None: ...


@pytest.mark.parametrize(
    ("function", "takes"),
    [
        (Program().on_message, True),
        (Program().later, True),
        (lambda *args: None, True),
        (print, True),
        (Program().of_a_library, False),
        (Program().without, False),
        (lambda *, message: None, False),
        ("text", False),
        (None, False),
    ],
)
def test_a_function_of_one_argument_is_one(function: Any, takes: bool) -> None:
    assert takes_message(function) is takes


def test_the_argument_is_checked() -> None:
    assert check_on_message(None) is None
    assert check_on_message(print) is print
    for wrong in (3, Program().without):
        with pytest.raises(TypeError, match="on_message must be a function of one message"):
            check_on_message(wrong)
