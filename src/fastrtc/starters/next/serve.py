"""Run the server and the built front end, as the Docker image does: `npm run build` comes first."""

import shutil
import sys

from dev import FRONTEND, fail, run


def main() -> int:
    """Run both until SIGTERM."""
    node = shutil.which("node")
    server = FRONTEND / ".next" / "standalone" / "server.js"
    if node is None or not server.exists():
        return fail("the front end is not built: run `npm install && npm run build` in frontend")
    return run([node, str(server)])


if __name__ == "__main__":
    sys.exit(main())
