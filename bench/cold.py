"""What a cold start of each function takes, from the built bundle: a fresh process that sees nothing else but what Lambda's runtime brings.

Counted from the start of the interpreter: `app.py` as Lambda loads it for that function, the services of an AWS city, what the handler's body
imports, and for a sender the renderer and the provider's client. No call is made; opening connections and unpacking the zip are AWS's.
"""

import json
import os
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.build import build
from infra.functions import WORKERS
from infra.staging import ROOT
from infra.target import HOST, chosen

FROM_THE_RUNTIME = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")
TIMES = 3
FUNCTIONS = ("app", *(worker.name for worker in WORKERS), "ses_events", "tick")
_SCRIPT = Path(__file__).with_name("cold_start.py")
_ENVIRONMENT = {
    "STAGE": "prod",
    "PUBLIC_URL": "https://alerts.example.org",
    "TWILIO_NUMBER": "+15005550006",
    "EMAIL_FROM": "a@example.org",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "stand-in",
    "AWS_SECRET_ACCESS_KEY": "stand-in",
}


def cold_imports(secrets: str, functions: tuple[str, ...] = FUNCTIONS) -> dict[str, dict[str, float]]:
    """CPU seconds (the best of three) and MiB at the peak, by function."""
    with TemporaryDirectory() as folder:
        task, runtime = Path(folder, "task"), Path(folder, "runtime")
        with zipfile.ZipFile(build("prod", chosen(HOST, HOST), out=ROOT / "build/bench-host").zipped) as bundle:
            bundle.extractall(task)
        _runtime(runtime)
        return {name: _best(name, task, runtime, secrets) for name in functions}


def _runtime(folder: Path) -> None:
    """What the runtime brings beside the standard library."""
    folder.mkdir()
    for name in FROM_THE_RUNTIME:
        found = find_spec(name)
        assert found and found.origin
        place = Path(found.origin)
        (folder / (place.parent.name if place.name == "__init__.py" else place.name)).symlink_to(place.parent if place.name == "__init__.py" else place)


def _best(name: str, task: Path, runtime: Path, secrets: str) -> dict[str, float]:
    environment = {**_ENVIRONMENT, "_HANDLER": f"app.{name}", "SECRETS": f"file:{secrets}", "PATH": os.environ["PATH"]}
    command = [sys.executable, "-I", "-S", str(_SCRIPT), str(task), str(runtime), name]
    runs = [subprocess.run(command, env=environment, cwd=task, capture_output=True, text=True, check=True) for _ in range(TIMES)]
    told = [json.loads(one.stdout) for one in runs]
    return {"cpu_s": min(one["cpu_s"] for one in told), "mib": min(one["mib"] for one in told)}
