import pytest
from aioice import stun
from hypothesis import given
from hypothesis import strategies as st

from fastrtc.transport.webrtc.stun_integrity import is_signed

KEY = b"VOkJxbRl1RmTxUk/WvJxBt"

SAMPLE_RESPONSE = bytes.fromhex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae"
    "8022000b7465737420766563746f7220"
    "002000080001a147e112a643"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7"
    "80280004c07d4c96"
)
"""RFC 5769 section 2.2."""


def test_the_vector_of_the_rfc() -> None:
    assert is_signed(SAMPLE_RESPONSE, KEY)
    assert not is_signed(SAMPLE_RESPONSE, KEY[:-1])


@pytest.mark.parametrize("at", [1, 5, 25, 45, 60, 70])
def test_a_changed_byte_breaks_it(at: int) -> None:
    changed = bytearray(SAMPLE_RESPONSE)
    changed[at] ^= 1
    assert not is_signed(bytes(changed), KEY)


def test_messages_of_aioice() -> None:
    message = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE)
    assert not is_signed(bytes(message), b"key")
    message.attributes["XOR-MAPPED-ADDRESS"] = ("192.0.2.1", 5000)
    message.add_message_integrity(b"key")
    assert is_signed(bytes(message), b"key")
    assert not is_signed(bytes(message), b"another")


@given(st.binary(max_size=80))
def test_any_bytes(data: bytes) -> None:
    assert not is_signed(data, b"key")
    assert not is_signed(SAMPLE_RESPONSE[:20] + data, b"key")
