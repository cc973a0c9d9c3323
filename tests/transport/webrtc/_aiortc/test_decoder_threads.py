from __future__ import annotations

import threading
from typing import Any

import aiortc.rtcrtpreceiver
import pytest

from fastrtc.transport.webrtc._aiortc.decoder_threads import PATCH, make_decoder_threads_daemons
from tests.support.patches import without


@pytest.fixture
def receiver_module(monkeypatch: pytest.MonkeyPatch) -> Any:
    module: Any = aiortc.rtcrtpreceiver
    monkeypatch.setattr(module, "threading", threading)
    return module


def test_decoder_threads_are_daemons(receiver_module):
    make_decoder_threads_daemons()
    changed = receiver_module.threading
    thread = changed.Thread(target=print, name="audio-decoder", args=())
    assert isinstance(thread, threading.Thread)
    assert thread.daemon
    assert changed.Event is threading.Event
    assert changed.Lock is threading.Lock  # whatever else a later version uses
    assert not threading.Thread(target=print).daemon, "threads of others stay as they are"

    make_decoder_threads_daemons()
    assert receiver_module.threading is changed


async def test_without_the_names_threads_stay_as_they_are(receiver_module):
    with without(PATCH):
        make_decoder_threads_daemons()
    assert receiver_module.threading is threading
