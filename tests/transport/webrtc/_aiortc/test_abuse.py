from fastrtc.transport.webrtc._aiortc.abuse import Abuse


def test_a_connection_is_ended_once_for_the_first_reason() -> None:
    reasons: list[str] = []
    abuse = Abuse(reasons.append)
    assert not abuse.ended
    abuse("too many packets")
    abuse("too many messages")
    assert abuse.ended
    assert reasons == ["too many packets"]


def test_it_has_ended_before_it_is_told() -> None:
    ended: list[bool] = []
    abuse = Abuse(lambda reason: ended.append(abuse.ended))
    abuse("too much")
    assert ended == [True]
