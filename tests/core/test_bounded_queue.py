"""A full queue drops its oldest item, and says so once."""

import logging

import pytest

from fastrtc.core.bounded_queue import BoundedQueue, Overflow

logger = logging.getLogger(__name__)


def full(capacity: int) -> tuple[BoundedQueue[int], Overflow]:
    overflow = Overflow(logger.warning, "More than %d items: the oldest are dropped", capacity)
    queue: BoundedQueue[int] = BoundedQueue(capacity, overflow)
    for number in range(capacity):
        queue.append(number)
    return queue, overflow


def test_a_queue_holds_as_much_as_its_capacity(caplog: pytest.LogCaptureFixture) -> None:
    queue, overflow = full(3)
    assert [queue.popleft() for _ in range(3)] == [0, 1, 2]
    assert not queue
    assert overflow.dropped == 0
    assert caplog.records == []


def test_new_items_push_out_the_oldest_and_it_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    queue, overflow = full(3)
    for number in range(3, 8):
        queue.append(number)
    assert list(queue) == [5, 6, 7]
    assert overflow.dropped == 5
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == "More than 3 items: the oldest are dropped"


def test_what_was_taken_makes_room(caplog: pytest.LogCaptureFixture) -> None:
    queue, overflow = full(3)
    for number in range(3, 100):
        queue.popleft()
        queue.append(number)
    assert list(queue) == [97, 98, 99]
    assert overflow.dropped == 0
    assert caplog.records == []
