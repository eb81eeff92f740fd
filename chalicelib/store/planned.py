"""A planned batch as rows: those of `batches.py`, with the entries that planning decided."""

from dataclasses import replace
from datetime import datetime

from chalicelib.domain.batch import BatchKey
from chalicelib.domain.plan import Planned
from chalicelib.state.table import Row, Values
from chalicelib.store.batch_rows import far_key, new_rows, packed_cells


def planned_rows(key: BatchKey, planned: Planned, *, due: datetime, now: datetime) -> list[Row]:
    """The rows of a batch that is to be written. Where nobody in it is left to try it is queued all the same: whoever takes it up settles it,
    with its history."""
    rows = new_rows(key, planned.what, not_before=planned.not_before, due=due, now=now)
    decided: Values = {"cells": packed_cells(planned.cells)}
    return [replace(row, values={**row.values, **decided}) if row.key == far_key(key) and planned.skipped else row for row in rows]
