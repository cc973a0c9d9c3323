"""The exceptions of programs, by their connections and texts."""

import logging

from fastrtc.testing.raised import LOGGER, RaisedErrors


def test_exceptions_of_connections() -> None:
    raised, error, other = RaisedErrors(), ValueError("wrong"), KeyError()
    logger = logging.getLogger(LOGGER)
    raised.begin()
    try:
        logger.error("Session %s failed", "one", exc_info=error)
        logger.error("Session %s: %s failed", "one", "emit", exc_info=other)
        logger.error("Session %s failed", "two", exc_info=ValueError("wrong"))
        logger.error("without a connection", exc_info=error)
        logger.error("without an exception")
        assert raised.take("one") == ["wrong", "KeyError"]
        logger.error("Session %s failed", "one", exc_info=ValueError("again"))
    finally:
        raised.end()
    logger.error("Session %s failed", "one", exc_info=ValueError("later"))
    assert raised.take("one") == ["again"] and raised.take("one") == []
    assert raised.get("one", "wrong") is error
    assert raised.get("one", "KeyError") is other
    assert raised.get("one", "later") is None
