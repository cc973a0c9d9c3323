"""Settings and plugins of every test; what they do is said in the modules of `tests/support`."""

import os

# Before anything imports them: no test asks a service how the day was.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

pytest_plugins = ["pytester", "tests.support.leaks", "tests.support.programs"]
