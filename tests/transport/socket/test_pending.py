from fastrtc.transport.socket.pending import PendingConnections


def test_whoever_has_waited_longest_makes_room():
    pending, sent_away = PendingConnections(), []
    for name in "abc":
        pending.enter(name, lambda name=name: sent_away.append(name), limit=2)
    assert sent_away == ["a"] and len(pending) == 2
    pending.leave("b")
    pending.leave("b")
    pending.leave("a")
    pending.enter("d", lambda: sent_away.append("d"), limit=2)
    assert sent_away == ["a"] and len(pending) == 2


def test_one_that_leaves_as_it_is_sent_away_does_no_harm():
    pending = PendingConnections()
    pending.enter("a", lambda: pending.leave("a"), limit=1)
    pending.enter("b", lambda: None, limit=1)
    assert len(pending) == 1
