"""ICE credentials of the sections of an offer."""

from fastrtc.protocols.ice import Credentials, credentials_in

A, B = Credentials("abcd", "secret"), Credentials("efgh", "other")


def test_credentials_of_each_section() -> None:
    session = "v=0\r\na=ice-ufrag:abcd\r\na=ice-pwd:secret\r\n"
    section = "m=audio 9 RTP/AVP 0\r\na=ice-ufrag: efgh\r\na=mid:0\r\na=ice-pwd:other\r\n"
    assert credentials_in(session + section) == {A, B}
    assert credentials_in(section + section) == {B}


def test_incomplete_credentials_are_none() -> None:
    halves = "m=audio 9\na=ice-ufrag:abcd\nm=video 9\na=ice-pwd:secret\n"
    assert credentials_in(halves) == credentials_in("") == frozenset()
