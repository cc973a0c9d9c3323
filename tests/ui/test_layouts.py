"""The table of layouts."""

from itertools import product
from typing import get_args

from fastrtc.core.types import Modality, Mode
from fastrtc.ui.layouts import LAYOUTS


def test_every_modality_and_mode_has_one():
    assert set(LAYOUTS) == set(product(get_args(Modality), get_args(Mode)))
    assert all(layout.title and layout.label for layout in LAYOUTS.values())
