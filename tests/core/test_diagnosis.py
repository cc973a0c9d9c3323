"""A diagnosis as text."""

from fastrtc import CandidateInfo, CheckInfo, Diagnosis

SERVER = CandidateInfo("host", "udp", "203.0.113.5", 40000)
CLIENT = CandidateInfo("srflx", "udp", "198.51.100.7", 50000)
NAME = CandidateInfo("host", "udp", "3f2e.local", 50001, "its multicast DNS name was not resolved")
OVER_TCP = CandidateInfo("host", "tcp", "2001:db8::1", 443)


def test_a_report_of_a_failed_connection() -> None:
    diagnosis = Diagnosis(
        "id",
        "webrtc",
        "failed",
        (SERVER,),
        (CLIENT, NAME),
        (CheckInfo(SERVER, CLIENT, "failed"),),
        None,
        "no packet arrives",
        ("Open UDP port 40000.", "Or use TURN."),
        "not connected within 30 s",
    )
    assert str(diagnosis).splitlines() == [
        "Connection id (webrtc) is failed: not connected within 30 s",
        "Candidates of the server:",
        "  host udp 203.0.113.5:40000",
        "Candidates of the client:",
        "  srflx udp 198.51.100.7:50000",
        "  host udp 3f2e.local:50001 (its multicast DNS name was not resolved)",
        "Checks:",
        "  203.0.113.5:40000 -> 198.51.100.7:50000: no answer",
        "Problem: no packet arrives",
        "-> Open UDP port 40000.",
        "-> Or use TURN.",
    ]


def test_a_report_of_a_connection_in_the_making() -> None:
    report = str(Diagnosis("id", "webrtc", "connecting", problem="the client offered no address"))
    assert "Candidates of the server: none" in report
    assert "Problem so far: the client offered no address" in report


def test_a_report_of_a_connection_over_tcp() -> None:
    check = CheckInfo(OVER_TCP, OVER_TCP, "succeeded")
    report = str(Diagnosis("id", "webrtc", "connected", checks=(check,), selected=check))
    assert "Selected: [2001:db8::1]:443 -> [2001:db8::1]:443 (tcp)" in report
    assert "(tcp): answered" in report


def test_a_socket_has_no_candidates() -> None:
    assert str(Diagnosis("id", "telephone", "connected")) == (
        "Connection id (telephone) is connected"
    )
