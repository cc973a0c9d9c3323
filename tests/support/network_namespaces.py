"""Machines, routers and firewalls of a test: network namespaces of Linux, joined by cables.

They need root, `ip` and `iptables`. A test without them is skipped and named at the end of the run;
see `tests/support/programs.py`.
"""

from __future__ import annotations

import itertools
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.support.programs import require_program

__all__ = ["Machine", "Network", "Program", "network", "start_program"]

ROOT = Path(__file__).parents[2]
RESOLVERS = Path("/etc/netns")
"""Where `ip netns exec` looks for a namespace's own `resolv.conf`."""

PATIENCE_S = 60.0

_numbers = itertools.count()


class Program:
    """A Python module that runs on a machine, and exchanges lines of JSON with the test."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self.pid = process.pid
        self._log = log
        self._received = b""
        assert process.stdout is not None
        self._selector = selectors.DefaultSelector()
        self._selector.register(process.stdout, selectors.EVENT_READ)

    def ask(self, **request: Any) -> Any:
        """Send a request, and return the answer."""
        self.tell(**request)
        return self.read()

    def tell(self, **request: Any) -> None:
        """Send a request; `read` returns the answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()

    def read(self, within: float = PATIENCE_S) -> Any:
        """Return the next line that it prints."""
        deadline = time.monotonic() + within
        while b"\n" not in self._received:
            left = deadline - time.monotonic()
            assert left > 0 and self._selector.select(left), f"no answer; {self.log()}"
            assert self.process.stdout is not None
            data = os.read(self.process.stdout.fileno(), 1 << 16)
            assert data, f"it has ended; {self.log()}"
            self._received += data
        line, _, self._received = self._received.partition(b"\n")
        return json.loads(line)

    def wait(self, within: float = PATIENCE_S) -> int:
        """Wait until it ends by itself, and return its status."""
        return self.process.wait(within)

    def log(self) -> str:
        """Return what it has written to stderr."""
        return self._log.read_text()

    def cpu_s(self) -> float:
        """Return the CPU time that it has used, in seconds."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def udp_sockets(self) -> list[str]:
        """Return the local addresses of its UDP sockets, as in `/proc/net/udp`."""
        inodes = set()
        for descriptor in Path(f"/proc/{self.pid}/fd").iterdir():
            with suppress(OSError):  # closed in the meantime
                target = os.readlink(descriptor)
                inodes.add(target.removeprefix("socket:[").removesuffix("]"))
        tables = (Path(f"/proc/{self.pid}/net/{name}") for name in ("udp", "udp6"))
        lines = [line.split() for table in tables for line in table.read_text().splitlines()]
        return [line[1] for line in lines if line[9] in inodes]

    def stop(self) -> None:
        """Kill it, and what it has started, if it still runs."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()
        self._selector.close()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()


def start_program(command: Sequence[str], log: Path, env: Mapping[str, str] | None) -> Program:
    """Start a program with the tests' modules, in a process group of its own.

    Args:
        command: The command.
        log: The file for its stderr.
        env: Further environment variables.
    """
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT), *sys.path])
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": path, **(env or {})},
        )
    return Program(process, log)


class Machine:
    """A network namespace."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._folder = folder
        self._programs: list[Program] = []
        _ip("netns", "add", name)
        self.run("ip", "link", "set", "lo", "up")

    def run(self, *command: str) -> str:
        """Run a command on it, and return its output."""
        return _run("ip", "netns", "exec", self.name, *command)

    def iptables(self, rule: str) -> None:
        """Apply a rule of the packet filter, as the arguments of `iptables`."""
        self.run("iptables", "-w", *rule.split())

    def route(self, gateway: str) -> None:
        """Set the default route."""
        self.run("ip", "route", "add", "default", "via", gateway)

    def forward(self) -> None:
        """Make it a router."""
        self.run("sysctl", "-qw", "net.ipv4.ip_forward=1")

    def resolve_at(self, nameserver: str) -> None:
        """Set its name server."""
        folder = RESOLVERS / self.name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "resolv.conf").write_text(f"nameserver {nameserver}\n")

    def start(self, module: str, *arguments: str, env: Mapping[str, str] | None = None) -> Program:
        """Start a Python module."""
        return self.run_beside(sys.executable, "-m", module, *arguments, env=env)

    def run_beside(self, *command: str, env: Mapping[str, str] | None = None) -> Program:
        """Start a program, which ends with the machine."""
        log = self._folder / f"{self.name}-{next(_numbers)}.log"
        program = start_program(["ip", "netns", "exec", self.name, *command], log, env)
        self._programs.append(program)
        return program

    def remove(self) -> None:
        """Kill its programs, and remove it."""
        for program in self._programs:
            program.stop()
        with suppress(AssertionError):
            _ip("netns", "delete", self.name)
        shutil.rmtree(RESOLVERS / self.name, ignore_errors=True)


class Network:
    """Machines, with cables between them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._machines: list[Machine] = []
        self._prefix = f"fastrtc-{os.getpid()}-{next(_numbers)}"

    def machine(self, name: str) -> Machine:
        """Add a machine, which has nothing but its loopback interface."""
        machine = Machine(f"{self._prefix}-{name}", self._folder)
        self._machines.append(machine)
        return machine

    def connect(self, one: Machine, address: str, other: Machine, other_address: str) -> str:
        """Join two machines by a cable, and return the name of the interface, the same on both.

        Args:
            one: A machine.
            address: Its addresses on the cable, with their prefix length, separated by spaces.
            other: Another machine.
            other_address: Its addresses.
        """
        name = f"cable{next(_numbers)}"
        cable = ("link", "add", name, "netns", one.name, "type", "veth")
        _ip(*cable, "peer", "name", name, "netns", other.name)
        for machine, addresses in ((one, address), (other, other_address)):
            for each in addresses.split():
                quick = ["nodad"] if ":" in each else []
                machine.run("ip", "address", "add", each, "dev", name, *quick)
            machine.run("ip", "link", "set", name, "up")
        return name

    def remove(self) -> None:
        """Remove all machines."""
        for machine in self._machines:
            machine.remove()


@contextmanager
def network(folder: Path) -> Iterator[Network]:
    """Make a network, whose machines and programs end with the block.

    Args:
        folder: Where the logs of programs go.
    """
    require_program("network-namespaces")
    made = Network(folder)
    try:
        yield made
    finally:
        made.remove()


def _ip(*arguments: str) -> str:
    return _run("ip", *arguments)


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout
