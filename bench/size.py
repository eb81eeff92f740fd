"""How large the bundle is that Lambda is given."""

from infra.build import build
from infra.staging import ROOT
from infra.target import ARCHITECTURE, RUNTIME, chosen


def bundle_mb() -> float:
    """Megabytes of the zip for production, built now."""
    built = build("prod", chosen(RUNTIME, ARCHITECTURE), out=ROOT / "build/bench")
    return round(built.zipped.stat().st_size / 1e6, 1)
