from fastrtc.core.close_reason import MAX_REASON_BYTES, CloseReason


def test_a_close_frame_has_room_for_so_many_bytes():
    assert CloseReason(1000, "Bye").short_text == "Bye"
    cut = CloseReason(1000, "é" * 100).short_text
    assert len(cut.encode()) == MAX_REASON_BYTES - 1 and set(cut) == {"é"}
