"""`python -m tests.docs.search SITE`: try the search of a built site with the words people use.

The queries run in the search worker of the site itself, in Node. Without Node it says so, and
fails only if `FASTRTC_REQUIRE_ALL=1` allows nothing to be left out.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

__all__ = ["EXPECTED", "missed", "search"]

EXPECTED = {
    "quickstart": "quickstart/",
    "getting started": "quickstart/",
    "starter": "starters/",
    "create an app": "starters/",
    "troubleshooting": "troubleshooting/",
    "microphone not working": "troubleshooting/",
    "no sound": "troubleshooting/",
    "iOS": "troubleshooting/",
    "webcam": "video/",
    "does not connect": "troubleshooting/",
    "authentication": "security/",
    "login": "security/",
    "logging": "security/",
    "TURN": "turn/",
    "coturn": "turn/",
    "docker": "deployment/",
    "nginx": "deployment/",
    "https": "deployment/",
    "React": "react/",
    "next.js": "front-end/",
    "front end": "front-end/",
    "CORS": "front-end/",
    "Content-Security-Policy": "front-end/",
    "npm": "front-end/",
    "ConnectionOptions": "reference/javascript/",
    "useStream": "react/",
    "push to talk": "turn-taking/",
    "barge-in": "turn-taking/",
    "interruptions": "turn-taking/",
    "latency": "turn-taking/",
    "transcript": "captions/",
    "text to speech": "speech/",
    "wake word": "speech/",
    "twilio": "telephone/",
    "prometheus": "monitoring/",
    "opentelemetry": "monitoring/",
    "OBS": "whip/",
    "WHEP": "whip/",
    "pipecat": "rtvi/",
    "phone number": "telephone/",
    "playground": "playground/",
    "concurrency_limit": "reference/stream/",
    "ReplyOnPause": "reference/replies/",
}
"""A page for what people type; it has to be among the first three."""

FIRST = 3

WORKER = """
const { readFileSync } = require("node:fs");
const [worker, index, queries] = process.argv.slice(2);
const found = {};
let listener;
globalThis.self = globalThis;
globalThis.addEventListener = (_, added) => { listener = added; };
let answered;
globalThis.postMessage = (message) => answered(message);
const ask = (data) => new Promise((resolve) => { answered = resolve; listener({ data }); });
require(worker);
const { config, docs } = JSON.parse(readFileSync(index, "utf8"));
(async () => {
  await ask({ type: 0, data: { config, docs, options: { suggest: true } } });
  for (const query of JSON.parse(queries)) {
    const { data } = await ask({ type: 2, data: query });
    found[query] = data.items.map((sections) => sections[0].location.split("#")[0]);
  }
  console.log(JSON.stringify(found));
})();
"""
"""Plays the page's part: 0 gives the worker the index, 2 is a query, whose answer is its pages."""


def search(site: Path, queries: Iterable[str]) -> dict[str, list[str]]:
    """Ask the search of a built site.

    Returns:
        For each query the addresses of the pages that are found, the best one first.
    """
    (worker,) = site.glob("assets/javascripts/workers/search.*.js")
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "ask.cjs"
        script.write_text(WORKER, encoding="utf-8")
        index = site / "search" / "search_index.json"
        command = ["node", script, worker.resolve(), index.resolve(), json.dumps(list(queries))]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def missed(found: dict[str, list[str]]) -> list[str]:
    """Return a line for each query whose page is not among the first that are found."""
    return [
        f"{query!r} finds {', '.join(found[query][:FIRST]) or 'nothing'}, and not {page}"
        for query, page in EXPECTED.items()
        if page not in found[query][:FIRST]
    ]


if __name__ == "__main__":
    if shutil.which("node") is None:
        print("node is not installed, so the search of the site was not tried")
        sys.exit(os.environ.get("FASTRTC_REQUIRE_ALL") == "1")
    lines = missed(search(Path(sys.argv[1]), EXPECTED))
    print("\n".join(lines) or f"the site's search finds all {len(EXPECTED)} pages")
    sys.exit(bool(lines))
