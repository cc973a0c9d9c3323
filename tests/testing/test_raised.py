"""The exceptions of programs, by their texts."""

import logging

from fastrtc.testing.raised import LOGGER, RaisedErrors


def test_exceptions_are_found_by_their_text() -> None:
    raised, error, other = RaisedErrors(), ValueError("wrong"), KeyError()
    logger = logging.getLogger(LOGGER)
    raised.begin()
    try:
        logger.error("failed", exc_info=error)
        logger.error("failed", exc_info=other)
        logger.error("without an exception")
    finally:
        raised.end()
    logger.error("failed", exc_info=ValueError("later"))
    assert raised.get("wrong") is error
    assert raised.get("KeyError") is other
    assert raised.get("later") is None
