"""Turn detection: speech onset, end of turn and barge-in. No I/O; time is audio time."""
