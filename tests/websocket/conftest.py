"""An eye on the log, as over WebRTC: a test that does not ask for errors must log none."""

from tests.webrtc.conftest import errors, no_errors_logged

__all__ = ["errors", "no_errors_logged"]
