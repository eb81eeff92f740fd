"""The staging copy that Chalice packages: what ships of ours, laid out as it will lie beside app.py, and nothing else."""

import shutil
from pathlib import Path

from chalicelib.domain.locale import SPOKEN
from infra import catalogues

ROOT = Path(__file__).parent.parent
_JUNK = shutil.ignore_patterns("__pycache__", "*.pyc", "*.mo", ".*")


def stage_sources(folder: Path, *, city: Path) -> None:
    """Copy app, library, templates with their compiled catalogues, and the city's file. Raises ValueError where a sentence is missing.

    No requirements.txt: Chalice would fetch wheels for the Python that builds. Libraries come in afterwards, from `wheels`.
    """
    shutil.copytree(ROOT / "chalicelib", folder / "chalicelib", ignore=_JUNK)
    shutil.copy(ROOT / "app.py", folder / "app.py")
    shutil.copytree(ROOT / ".chalice", folder / ".chalice", ignore=shutil.ignore_patterns("deployed", "deployments"))
    # Chalice ships the content of vendor/, at the root of the bundle.
    shutil.copytree(ROOT / "templates", folder / "vendor/templates", ignore=_JUNK)
    shutil.copy(city, folder / "vendor/city.toml")
    compile_catalogues(folder / "vendor/templates")


def compile_catalogues(templates: Path) -> None:
    """Put compiled sentences in place of their sources. Raises ValueError naming each sentence that a language lacks."""
    faults = [fault for domain in catalogues.FOLDERS for fault in catalogues.faults(templates, domain)]
    if faults:
        raise ValueError("catalogues are not complete:\n  " + "\n  ".join(faults))
    for domain in catalogues.FOLDERS:
        for locale in SPOKEN:
            catalogues.compile_one(templates, domain, locale)
    for source in templates.rglob("*.po"):
        source.unlink()
