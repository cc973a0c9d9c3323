"""Measures one case against a server that listens already; prints one JSON object."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys

from benchmarks.client.server import Server
from benchmarks.workloads.base import Sample, find


async def _measure(options: argparse.Namespace) -> Sample:
    workload = find(options.workload)
    assert workload.client is not None
    async with Server(options.url, options.pid) as server:
        return await workload.client(server, options.options)


def main() -> None:
    """The client process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("workload")
    parser.add_argument("options", type=json.loads, help="the case's options as a JSON object")
    parser.add_argument("--url", required=True)
    parser.add_argument("--pid", type=int, required=True)
    sample = asyncio.run(_measure(parser.parse_args()))
    print(json.dumps(sample))
    # aiortc's decoder threads would keep the process alive where a peer did not close.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
