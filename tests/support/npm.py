"""npm, for the tests that install and build JavaScript packages."""

import os
import subprocess
from pathlib import Path

from tests.support.programs import require_program

__all__ = ["BUILD_WITHIN", "INSTALL", "npm"]

BUILD_WITHIN = 300  # s; a Next.js application takes 30 s
INSTALL = ("--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
"""Options for `npm ci` and `npm install`. The cache is the user's: what one test has downloaded,
the others need not."""


def npm(folder: Path, *arguments: str) -> str:
    """Run npm in a folder, and return what it wrote; skip the test if npm is missing."""
    done = subprocess.run(
        [require_program("npm"), *arguments],
        cwd=folder,
        env=os.environ | {"NEXT_TELEMETRY_DISABLED": "1", "npm_config_update_notifier": "false"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=BUILD_WITHIN,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
