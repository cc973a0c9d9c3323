"""The events of a call as text."""

import numpy as np

from fastrtc.testing.analysis import Utterance
from fastrtc.testing.sound import Sound
from fastrtc.testing.timeline import Event, format_timeline


def test_one_line_per_event_in_order() -> None:
    said = Utterance("Hello.", 48_000, np.zeros(24_000, np.int16), "test_x.py:3")
    events = [Event(1.25, "program", "log: started_talking"), Event(9.5, "caller", "hangs up")]
    assert format_timeline([said], [Sound(96_000, 96_048)], events) == (
        "    1.000  caller   says 'Hello.' (test_x.py:3)\n"
        "    1.250  program  log: started_talking\n"
        "    1.500  caller   has said it\n"
        "    2.000  program  is heard\n"
        "    2.001  program  is silent\n"
        "    9.500  caller   hangs up\n"
    )
