"""Make what a city deploys: `python -m infra.build --stage prod` writes `build/prod/deployment.zip` and `build/prod/sam.json`.

    sources ──staging──▶ build/prod/src ──chalice package──▶ template, and our files ┐
    requirements-lambda.txt ──wheels──▶ libraries for the target ────────────────────┴▶ precompiled, zipped again

Needs no credentials and no AWS. The same sources and lock file make the same bytes.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from infra import bundle, wheels
from infra.staging import ROOT, stage_sources
from infra.target import ARCHITECTURE, RUNTIME, Target, chosen, interpreter_for
from infra.template import additions

STAGES = ("training", "prod")
LIBRARIES = ROOT / "build/libraries"
_NO_REGION = "us-east-1"
"""Chalice asks for a region and writes none into the template."""


@dataclass(frozen=True)
class Built:
    """Where a build put things, and whether it could precompile."""

    template: Path
    zipped: Path
    precompiled: bool


def main(arguments: Sequence[str]) -> int:
    """Build, saying what was made."""
    parser = argparse.ArgumentParser(prog="build", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stage", choices=STAGES, default="prod")
    parser.add_argument("--runtime", default=RUNTIME, help="a Lambda runtime, or host (default: %(default)s)")
    parser.add_argument("--architecture", default=ARCHITECTURE, help="arm64, x86_64 or host (default: %(default)s)")
    parser.add_argument("--city", type=Path, default=ROOT / "city.toml")
    parser.add_argument("--out", type=Path, help="where to (default: build/<stage>)")
    asked = parser.parse_args(arguments)
    try:
        target = chosen(asked.runtime, asked.architecture)
        built = build(asked.stage, target, city=asked.city, out=asked.out or ROOT / "build" / asked.stage)
    except (ValueError, wheels.NoWheels) as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 1
    sys.stdout.write(_report(built, target))
    return 0


def build(stage: str, target: Target, *, city: Path = ROOT / "city.toml", out: Path) -> Built:
    """Build one stage for one target into `out`. Raises ValueError or NoWheels saying what is wrong."""
    python = interpreter_for(target)
    template = package_template(stage, target, city=city, out=out)
    zipped, ours = out / "deployment.zip", out / "ours"
    bundle.unpack(zipped, ours)
    if python:
        bundle.precompile(ours, python)
    bundle.pack([ours, wheels.libraries(ROOT / "requirements-lambda.txt", target, LIBRARIES, python=python)], zipped)
    return Built(template, zipped, python is not None)


def package_template(stage: str, target: Target, *, city: Path = ROOT / "city.toml", out: Path) -> Path:
    """Make the template of a stage in a fresh `out`, and beside it a zip of our own files."""
    shutil.rmtree(out, ignore_errors=True)
    stage_sources(out / "src", city=city)
    _chalice_package(stage, out / "src", additions(stage, target), out)
    return out / "sam.json"


def _chalice_package(stage: str, sources: Path, merged: dict[str, object], out: Path) -> None:
    extra = out / "additions.json"
    extra.write_text(json.dumps(merged, indent=1))
    command = "from chalice.cli import main; main()"
    asked = ["--project-dir", str(sources), "package", "--stage", stage, "--merge-template", str(extra), str(out)]
    environment = {"AWS_DEFAULT_REGION": _NO_REGION, **os.environ}
    done = subprocess.run([sys.executable, "-c", command, *asked], env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise ValueError(f"chalice package failed:\n{done.stdout}{done.stderr}")


def _report(built: Built, target: Target) -> str:
    size = built.zipped.stat().st_size / 1_000_000
    said = f"{_shown(built.zipped)} ({size:.1f} MB, {target.runtime}, {target.architecture}) and {_shown(built.template)}\n"
    if not built.precompiled:
        said += (
            f"There is no {target.runtime} on this machine, and only it can precompile for itself: cold starts take about half a second longer.\n"
            f"Install it, or choose another with RUNTIME=python3.x.\n"
        )
    return said


def _shown(path: Path) -> Path:
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
