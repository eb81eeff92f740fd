"""The two sizes of every experiment: a tenth in each run of the tests, in full in `make test-deep`."""

import pytest

SIZES = pytest.mark.parametrize("share", [pytest.param(0.1, id="a tenth"), pytest.param(1.0, id="in full", marks=pytest.mark.deep)])
"""Gives a test its `share`; what it counts in full, it multiplies by that."""
