"""Pages with the JavaScript client, one of whose processes is killed in the middle of calls."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.programs import programs, wait_until_ready

PROCESSES = 2
PAGES = 4
CALLS = 6
GAP_S = 2.0
"""A longest time without a packet that a busy machine does not cause, but for stalls."""
AGAIN_S = 45.0
"""More than four times the 10 s of an idle machine: a page calls again after 8 s of silence."""


def wait_until_heard(pages: Any, ended: list[int]) -> Any:
    """Wait until pages hear something over new connections, and return what all have heard."""
    deadline = time.monotonic() + 60
    while not all((heard := pages.ask(do="heard"))[index]["again_s"] for index in ended):
        assert time.monotonic() < deadline, heard
        time.sleep(0.2)
    return heard


@pytest.mark.external("chromium")
class TestPages:
    def test_pages_of_a_process_that_is_killed_talk_again_and_others_do_not_notice(
        self, tmp_path: Path
    ) -> None:
        with programs(tmp_path) as run:
            total = PAGES + CALLS
            processes = [run.node(TOTAL_LIMIT=str(total)) for _ in range(PROCESSES)]
            for _, port in processes:
                wait_until_ready(f"http://127.0.0.1:{port}")
            url = run.balancer([port for _, port in processes])
            wait_until_ready(url)
            clients, pages = run.clients(), run.pages()
            owners = pages.ask(do="open", url=url, count=PAGES)
            assert not clients.ask(do="call", url=url, count=CALLS)["wrong"]
            refused = run.clients().ask(do="call", url=url, check=False)["wrong"]
            assert any("concurrency_limit_reached" in one for one in refused)
            clients.ask(do="talk")
            lost = Counter(owners).most_common(1)[0][0]
            os.kill(lost, signal.SIGKILL)

            ended = [index for index, owner in enumerate(owners) if owner == lost]
            heard = wait_until_heard(pages, ended)
            for index, page in enumerate(heard):
                assert page["state"] == "connected", page
                if index in ended:
                    assert len(page["again_s"]) == 1 and page["again_s"][0] < AGAIN_S
                else:
                    assert not page["again_s"] and page["gap_s"] < GAP_S + page["late_s"], page
            assert lost not in pages.ask(do="owners")
