"""Run the targets one after the other: `python -m tests.fuzz [TARGET ...] [--seconds 60]`."""

import argparse
import logging
import subprocess
import sys
from pathlib import Path

import atheris

from tests.fuzz.targets import SEEDS, TARGETS

CORPUS = Path(__file__).with_name("corpus")
LONGEST = 4096  # bytes of an input


def fuzz(name: str, seconds: int) -> None:
    """Fuzz one target, in this process, which ends with it."""
    logging.disable()
    corpus = CORPUS / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[name]):
        (corpus / f"seed-{number}").write_bytes(seed)
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST}",
        "-timeout=30",
        "-rss_limit_mb=1024",
        "-verbosity=0",
        "-print_final_stats=1",
        f"-artifact_prefix={CORPUS.parent}/found-{name}-",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], TARGETS[name])
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", nargs="*", choices=[*TARGETS, []], help="by default all")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here:
        fuzz(given.target[0], given.seconds)
    failed = []
    for name in given.target or TARGETS:
        print(f"--- {name}", flush=True)
        run = [sys.executable, "-m", "tests.fuzz", name, f"--seconds={given.seconds}", "--here"]
        if subprocess.run(run, check=False).returncode:
            failed.append(name)
    print(f"failed: {', '.join(failed)}" if failed else "nothing was found")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
