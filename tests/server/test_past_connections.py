"""The last connections that have ended are kept, and no more."""

from fastrtc.core.diagnosis import Diagnosis
from fastrtc.server.past_connections import MAX_KEPT, PastConnections


def test_the_last_ones_are_kept_of_each_kind() -> None:
    past = PastConnections()
    past.add(Diagnosis("failed", "webrtc", "failed"))
    for k in range(MAX_KEPT + 1):
        past.add(Diagnosis(f"ended-{k}", "webrtc", "ended"))
    assert past.get("failed") is not None  # not evicted by others
    assert past.get("ended-0") is None
    assert past.get("ended-1") is not None and past.get(f"ended-{MAX_KEPT}") is not None
    for k in range(MAX_KEPT):
        past.add(Diagnosis(f"failed-{k}", "webrtc", "failed"))
    assert past.get("failed") is None
    assert past.get("ended-1") is not None


def test_an_id_is_kept_once() -> None:
    past = PastConnections()
    past.add(Diagnosis("id", "webrtc", "failed"))
    past.add(Diagnosis("id", "webrtc", "ended"))
    kept = past.get("id")
    assert kept is not None and kept.state == "ended"
    assert past.get("other") is None
