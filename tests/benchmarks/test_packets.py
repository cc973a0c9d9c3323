"""The table of where the time of a packet goes, from what py-spy writes."""

from pathlib import Path

import pytest

from benchmarks.packets import PARTS, part_of, shares

LOOP = "main (benchmarks/packets.py:1);BaseEventLoop._run_once (asyncio/base_events.py:1922)"
TAKE = "_DirectTransport._take (fastrtc/transport/webrtc/_aiortc/direct_packets.py:190)"
DECODE = "LibopusDecoder._samples (fastrtc/audio/libopus.py:150)"


@pytest.mark.parametrize(
    ("inner", "part"),
    [
        ("Handle._run (asyncio/events.py:80)", "event loop"),
        (TAKE, "demultiplexing and limits"),
        (
            f"{TAKE};AudioReceiver.push (fastrtc/transport/webrtc/audio_receiver.py:119)",
            "jitter buffer",
        ),
        (f"{TAKE};{DECODE}", "Opus, decoding"),
        (f"{TAKE};Session.unprotect (pylibsrtp/__init__.py:200)", "SRTP"),
        ("Playout.poll (fastrtc/pacing/playout.py:270);len (unknown:1)", "pacing"),
        ("_SelectorDatagramTransport.sendto (asyncio/selector_events.py:1)", "system calls"),
        ("unknown (unknown.py:1)", "event loop"),
    ],
)
def test_the_innermost_function_decides(inner: str, part: str) -> None:
    assert part_of(f"{LOOP};{inner}") == part
    assert part in PARTS


def test_the_clients_and_what_is_outside_the_loop_do_not_count() -> None:
    assert part_of(f"{LOOP};talk (benchmarks/packets.py:130);sleep (asyncio/tasks.py:640)") is None
    assert part_of("main (benchmarks/packets.py:1);run_until_complete (asyncio/x.py:1)") is None


def test_shares_are_of_what_counts(tmp_path: Path) -> None:
    file = tmp_path / "stacks"
    file.write_text(
        f"{LOOP};{TAKE};{DECODE} 30\n{LOOP};{TAKE} 10\n{LOOP};talk (benchmarks/packets.py:130) 60\n"
    )
    assert shares(file) == {"Opus, decoding": 0.75, "demultiplexing and limits": 0.25}
