from fastrtc.transport.lobby import Lobby


def test_whoever_has_waited_longest_makes_room():
    lobby, sent_away = Lobby(), []
    for name in "abc":
        lobby.enter(name, lambda name=name: sent_away.append(name), most=2)
    assert sent_away == ["a"] and len(lobby) == 2
    lobby.leave("b")
    lobby.leave("b")
    lobby.leave("a")
    lobby.enter("d", lambda: sent_away.append("d"), most=2)
    assert sent_away == ["a"] and len(lobby) == 2


def test_one_that_leaves_as_it_is_sent_away_does_no_harm():
    lobby = Lobby()
    lobby.enter("a", lambda: lobby.leave("a"), most=1)
    lobby.enter("b", lambda: None, most=1)
    assert len(lobby) == 1
