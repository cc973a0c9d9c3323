"""Which pages `layout_app.py` serves: how many inputs and outputs each modality and mode has."""

from itertools import product

__all__ = ["COUNTS"]

COUNTS = {
    (modality, mode): [
        (0, 0),
        (1, 1),
        (3, 3),
        # Beside a picture it makes no difference which of the two there are.
        *([(0, 1), (3, 0)] if modality == "audio" else []),
    ]
    for modality, mode in product(
        ("audio", "video", "audio-video"), ("send-receive", "send", "receive")
    )
}
