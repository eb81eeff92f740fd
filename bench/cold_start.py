"""Run by `cold.py` in a fresh interpreter, in the bundle: loads one function as Lambda does and says what that took."""

import json
import sys
import time
from pathlib import Path

task, runtime, name = sys.argv[1:]
sys.path[:] = [task, *(place for place in sys.path if "site-packages" not in place), runtime]

import app  # noqa: E402
from chalicelib import wiring  # noqa: E402

services = wiring.services()
if name.startswith("send_") and name != "send_reply":
    from chalicelib.domain.address import Channel
    from chalicelib.intake import jobs

    channel = Channel(name.split("_")[1])
    services.renderer()
    services.sender(channel)
elif name in {"launch", "fan_out_urgent", "fan_out_routine", "tick"}:
    from chalicelib.intake import jobs  # noqa: F401
elif name == "publish_post":
    from chalicelib.intake import posts  # noqa: F401
elif name == "send_reply":
    from chalicelib.intake import letters  # noqa: F401
elif name != "app":
    from chalicelib.intake import receipts  # noqa: F401

assert app.app
spent = time.process_time()
[peak] = [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(json.dumps({"cpu_s": round(spent, 3), "mib": round(int(peak) / 1024)}))
