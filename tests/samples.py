"""Real input files of the field, kept beside the project and not in it. Tests that read them are skipped where they are not."""

import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("SAMPLES", Path(__file__).parents[2] / "shared" / "samples"))


def sample(name: str) -> Path:
    """A sample's path; the test is skipped where there are no samples."""
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f"no sample {name}: set SAMPLES to their folder")
    return path
