from fastrtc.core.log_throttle import LogThrottle


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_line_is_written_now_and_then_and_tells_how_many_were_not():
    clock, lines = Clock(), []
    seldom = LogThrottle(60, clock)

    def write(message: str, *args: object) -> None:
        lines.append(message % args)

    for clock.now in (0, 1, 59.9, 60, 130):
        seldom.log(write, "%s knocked", "somebody")

    assert lines == [
        "somebody knocked",
        "somebody knocked (and 2 more before)",
        "somebody knocked",
    ]


def test_what_else_the_writer_takes_is_passed_on():
    seen = {}
    LogThrottle().log(lambda message, **options: seen.update(options), "failed", exc_info=True)
    assert seen == {"exc_info": True}
