"""Run the server and the built front end, as the Docker image does: `npm run build` comes first.

HOST is the address on which the front end listens; 0.0.0.0 is all of them.
"""

import os
import shutil
import sys

from dev import FRONTEND, fail, port_problem, run


def main() -> int:
    """Run both until SIGTERM."""
    node = shutil.which("node")
    server = FRONTEND / ".next" / "standalone" / "server.js"
    if node is None or not server.exists():
        return fail("the front end is not built: run `npm install && npm run build` in frontend")
    if problem := port_problem():
        return fail(problem)
    return run([node, str(server)], {"HOSTNAME": os.environ.get("HOST", "127.0.0.1")})


if __name__ == "__main__":
    sys.exit(main())
