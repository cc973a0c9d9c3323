"""Run the targets one after the other: `python -m tests.fuzz [TARGET ...] [--seconds 60]`."""

import argparse
import functools
import logging
import random
import subprocess
import sys
from pathlib import Path

import atheris

from tests.fuzz.mutations import mutate_lines
from tests.fuzz.targets import BY_LINE, SEEDS, TARGETS

CORPUS = Path(__file__).with_name("corpus")
LONGEST = 8192  # bytes of an input; an offer of Chromium has 8 thousand


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
    more = {"custom_mutator": functools.partial(mutate, name)} if name in BY_LINE else {}
    atheris.Setup([sys.argv[0], *options, str(corpus)], TARGETS[name], **more)
    atheris.Fuzz()


def mutate(name: str, data: bytes, max_size: int, seed: int) -> bytes:
    """Mutate an input of a target, three times of four by its lines."""
    chance = random.Random(seed)
    if chance.random() < 0.25:
        return bytes(atheris.Mutate(data, max_size))
    others = [one.decode(errors="replace") for one in SEEDS[name]]
    text = mutate_lines(data.decode(errors="replace"), others, chance)
    return text.encode(errors="replace")[:max_size]


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
