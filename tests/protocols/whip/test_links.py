"""ICE servers in `Link` headers."""

from fastrtc.protocols.whip.links import MAX_LINKS, ice_links


def test_stun_and_turn() -> None:
    turn = {"urls": ["turn:t.example?transport=udp", "turns:t.example"], "username": 'a"b\\'}
    found = ice_links(
        {
            "iceServers": [
                {"urls": "stun:s.example"},
                {**turn, "credential": "c d"},
                {"url": "stun:o"},
            ]
        }
    )
    credentials = r'username="a\"b\\"; credential="c d"; credential-type="password"'
    assert found == [
        '<stun:s.example>; rel="ice-server"',
        f'<turn:t.example?transport=udp>; rel="ice-server"; {credentials}',
        f'<turns:t.example>; rel="ice-server"; {credentials}',
        '<stun:o>; rel="ice-server"',
    ]


def test_what_no_header_can_have_is_left_out() -> None:
    assert ice_links(None) == ice_links({}) == ice_links({"iceServers": None}) == []
    bad = ["stun:a>b", "stun:a\r\nSet-Cookie: x", "stun:ü", 7]
    assert ice_links({"iceServers": ["stun:x", {"urls": bad}, {}]}) == []
    secret = {"urls": "turn:t", "username": "u", "credential": "a\nb"}
    assert ice_links({"iceServers": secret}) == []
    assert len(ice_links({"iceServers": [{"urls": "stun:s"}] * 99})) == MAX_LINKS
