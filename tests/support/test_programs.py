"""Missing external programs: skips, messages, and `FASTRTC_REQUIRE_ALL`."""

import os
from pathlib import Path

import pytest

from tests.support.programs import PROGRAMS, Program, find_program, require_program

PLUGINS = ("-p", "tests.support.programs", "-p", "no:rerunfailures")
INI = """
[pytest]
asyncio_default_fixture_loop_scope = function
markers =
    external(*names): needs these
    browser: needs Chromium
"""

SOURCE = """
import pytest
from tests.support.programs import require_program

@pytest.mark.external("turnserver")
def test_relay():
    raise AssertionError("ran without turnserver")

@pytest.mark.external("turnserver", "espeak-ng")
def test_relayed_speech():
    raise AssertionError("ran without turnserver")

@pytest.mark.browser
def test_page():
    raise AssertionError("ran without a browser")

def test_speech():
    require_program("espeak-ng")

def test_plain():
    pass
"""


@pytest.fixture
def bare(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A machine without any of the programs, and a small suite that needs some."""
    (pytester.path / "empty").mkdir()
    monkeypatch.setenv("PATH", str(pytester.path / "empty"))
    monkeypatch.delenv("FASTRTC_CHROMIUM", raising=False)
    monkeypatch.delenv("FASTRTC_REQUIRE_ALL", raising=False)
    pytester.makeini(INI)
    pytester.makepyfile(SOURCE)
    return pytester


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["one-process", "xdist"])
def test_what_is_missing_is_named_at_the_end(bare: pytest.Pytester, workers: tuple[str, ...]):
    result = bare.runpytest_inprocess(*PLUGINS, *workers)

    result.assert_outcomes(passed=1, skipped=4)
    result.stdout.fnmatch_lines(
        [
            "*left out for want of a program*",
            "chromium: 1 test left out",
            "espeak-ng: 2 tests left out",
            "turnserver: 2 tests left out",
            "*apt-get install chromium espeak-ng coturn",
            "*brew install espeak-ng coturn",
            "*brew install --cask google-chrome",
        ]
    )


def test_a_missing_program_fails_where_all_is_required(
    bare: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FASTRTC_REQUIRE_ALL", "1")

    result = bare.runpytest_inprocess(*PLUGINS)

    result.assert_outcomes(passed=1, failed=1, errors=3)
    result.stdout.fnmatch_lines(["*missing: chromium (install: apt-get install chromium;*"])


def test_nothing_is_said_when_nothing_is_missing(pytester: pytest.Pytester):
    pytester.makeini(INI)
    pytester.makepyfile("def test_plain(): pass")

    result = pytester.runpytest_inprocess(*PLUGINS)

    result.stdout.no_fnmatch_line("*left out*")


def test_a_browser_is_found_by_any_of_its_names(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("FASTRTC_CHROMIUM", raising=False)
    for name in ("google-chrome", "my-own"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)

    assert find_program("chromium") == tmp_path / "google-chrome"
    monkeypatch.setenv("FASTRTC_CHROMIUM", str(tmp_path / "my-own"))
    assert find_program("chromium") == tmp_path / "my-own"
    monkeypatch.setenv("FASTRTC_CHROMIUM", str(tmp_path / "gone"))
    assert find_program("chromium") is None


def test_an_unknown_program_is_a_mistake():
    with pytest.raises(KeyError, match="unknown program 'chrome'"):
        require_program("chrome")


def test_every_program_says_where_it_comes_from():
    assert all(one.debian or one.package or one.npm for one in PROGRAMS.values())


def test_a_missing_package_is_named_even_where_all_is_required(
    bare: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FASTRTC_REQUIRE_ALL", "1")
    monkeypatch.setitem(PROGRAMS, "ray", Program(package="no_such_package"))
    bare.makepyfile("""
        import pytest

        @pytest.mark.external("ray")
        def test_replicas():
            raise AssertionError("ran without it")
    """)

    result = bare.runpytest_inprocess(*PLUGINS)

    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(
        ["ray: 1 test left out", '  pip install "fastrtc[[]no_such_package[]]"']
    )
    assert find_program("ray") is None


def test_a_package_is_found_without_importing_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(PROGRAMS, "ray", Program(package="pytest"))
    assert find_program("ray") == Path(pytest.__file__)


def test_what_is_not_permitted_is_named_even_where_all_is_required(
    bare: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
):
    program = Program(commands=("sh",), debian="sh", trial=("false",))
    monkeypatch.setenv("PATH", os.defpath)
    monkeypatch.setenv("FASTRTC_REQUIRE_ALL", "1")
    monkeypatch.setitem(PROGRAMS, "namespaces", program)
    bare.makepyfile("""
        from tests.support.programs import require_program

        def test_firewall():
            require_program("namespaces")
    """)

    result = bare.runpytest_inprocess(*PLUGINS)

    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(
        ["namespaces: 1 test left out", "  namespaces: run as root, on a machine that permits it"]
    )


@pytest.mark.parametrize(("command", "permitted"), [("true", True), ("false", False), ("", True)])
def test_a_trial_tells_whether_a_program_is_permitted(command: str, permitted: bool):
    assert Program(trial=(command,) if command else ()).is_permitted() is permitted


def test_a_trial_that_is_missing_is_not_permitted():
    assert not Program(trial=("/nowhere/trial",)).is_permitted()
