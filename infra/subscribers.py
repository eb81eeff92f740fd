"""Subscribers in and out: `python -m infra.subscribers check|import|export|opt-outs FILE --stage prod --table belfry-prod-… --by ana`. See docs/how-to.md.

    check     says of each row of a CSV what is wrong, and what an import would write; writes nothing
    import    writes what is right; the same file again writes nothing again
    export    FILE: all subscriptions, as an import reads them; beside it FILE's name with `.consents`: the whole ledger
    opt-outs  FILE: everybody who said stop; with --read it stops whoever stands in FILE, and starts nobody

`--stage local` does the same for the city on this machine (STATE_DIR). Files are read and written row by row, and made for their owner's eyes alone.
"""

import argparse
import csv
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.exporting import Exported
from chalicelib.domain.importing import Finding, Wrong, report_of
from chalicelib.errors import Malformed, Misconfigured, StateLater
from chalicelib.feeds.csv_out import CONSENT_COLUMNS, OPT_OUT_COLUMNS, consent_cells, opt_out_cells, subscriber_cells
from chalicelib.feeds.opt_outs_csv import read_opt_outs_csv
from chalicelib.feeds.subscribers_csv import COLUMNS, read_subscribers
from chalicelib.flows.export_subscribers import export_opt_outs, export_subscribers
from chalicelib.flows.import_subscribers import import_subscribers
from chalicelib.flows.read_opt_outs import Heeded, Line, read_opt_outs
from chalicelib.flows.services import Services
from chalicelib.state.attributes import read_key, read_values
from chalicelib.state.sqlite_file import SqliteFile
from chalicelib.state.table import Row
from infra.after_restore import local_services, services_of
from infra.build import STAGES
from local.options import read_options
from local.proof.evidence import every_row

Rows = Callable[[], Iterator[Row]]
"""Every row of the table."""

_PIECE = 64 * 1024
_FAILED, _SOME_WRONG = 1, 2


def main(arguments: Sequence[str]) -> int:
    """Do it, and say what was done. 0: all is well; 1: nothing could be done; 2: some rows are wrong."""
    parser = argparse.ArgumentParser(prog="subscribers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("do", choices=("check", "import", "export", "opt-outs"))
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--stage", choices=("local", *STAGES), default="prod")
    parser.add_argument("--table", help="the stage's table; not asked of a local city")
    parser.add_argument("--city", help="the stage's city file, where it is not the one that is here")
    parser.add_argument("--by", default="", help="who does this, for the audit; asked of all but check")
    parser.add_argument("--read", action="store_true", help="opt-outs: read FILE back")
    asked = parser.parse_args(arguments)
    if asked.stage != "local" and not asked.table:
        parser.error("--table names the stage's table")
    if asked.do != "check" and not asked.by:
        parser.error("--by says who does this")
    if asked.read and asked.do != "opt-outs":
        parser.error("--read is for opt-outs")
    try:
        return _do(asked)
    except Malformed as refused:
        return _fail(f"{asked.file}: {refused.detail} Nothing of the file was taken.")
    except (Misconfigured, StateLater, BotoCoreError, ClientError, OSError) as wrong:
        return _fail(str(wrong))


def _do(asked: argparse.Namespace) -> int:
    services, rows = _stage(asked)
    if asked.do in ("check", "import"):
        return take(asked.file, apply=asked.do == "import", by=asked.by, services=services)
    if asked.do == "export":
        return give(asked.file, rows, by=asked.by, services=services)
    return (take_opt_outs(asked.file, by=asked.by, services=services)) if asked.read else give_opt_outs(asked.file, rows, by=asked.by, services=services)


def _stage(asked: argparse.Namespace) -> tuple[Services, Rows]:
    """The stage's services, and all rows of its table."""
    if asked.stage != "local":
        return services_of(asked.stage, asked.table, city=asked.city), lambda: cloud_rows(boto3.client("dynamodb"), asked.table)
    services, file = local_services(), SqliteFile(read_options(os.environ).state_file)
    return services, lambda: every_row(file)


def cloud_rows(client: Any, table: str) -> Iterator[Row]:
    """Every row of a table on AWS, page by page."""
    for page in client.get_paginator("scan").paginate(TableName=table):
        yield from (Row(read_key(item), read_values(item)) for item in page["Items"])


# --- in --------------------------------------------------------------------------------------------------------------


def take(file: Path, *, apply: bool, by: str, services: Services) -> int:
    """Check a file or import it, telling each row that is not written as it comes."""
    rows = read_subscribers(lambda: _pieces(file), city=services.city, now=services.now())
    report = report_of(_told(import_subscribers(rows, apply=apply, by=by, services=services)), most=0)
    done = "written" if apply else "would be written; nothing is yet"
    _say(f"{report.rows} rows, {report.good} of them good: {report.subscriptions} subscriptions {done}.")
    for code, count in report.codes.items():
        _say(f"  {code}: {count}")
    return _SOME_WRONG if report.codes.keys() - {"already"} else 0


def _told(findings: Iterable[Finding]) -> Iterator[Finding]:
    for one in findings:
        if isinstance(one, Wrong):
            _say(_line(one))
        yield one


def _line(one: Wrong) -> str:
    return f"line {one.line}{', ' + one.column if one.column else ''}: {one.code}: {one.detail}"


def take_opt_outs(file: Path, *, by: str, services: Services) -> int:
    """Stop whoever stands in a file."""
    counts, wrong = dict.fromkeys(Heeded, 0), list[Wrong]()

    def lines() -> Iterator[Line]:
        for found in read_opt_outs_csv(lambda: _pieces(file), now=services.now()):
            if isinstance(found, Wrong):
                wrong.append(found)
                _say(_line(found))
            else:
                yield Line(*found)

    for _, heeded in read_opt_outs(lines(), by=by, services=services):
        counts[heeded] += 1
    _say(f"{counts[Heeded.STOPPED]} stopped, {counts[Heeded.ALREADY]} were already, {counts[Heeded.CAME_BACK]} came back since and are left alone.")
    return _SOME_WRONG if wrong else 0


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while piece := opened.read(_PIECE):
            yield piece


# --- out -------------------------------------------------------------------------------------------------------------


def give(file: Path, rows: Rows, *, by: str, services: Services) -> int:
    """Export subscriptions and the ledger into two new files."""
    ledger, counts = file.with_suffix(f".consents{file.suffix}"), [0, 0]
    with ExitStack() as opened:
        subscribers, consents = _writer(file, COLUMNS, opened), _writer(ledger, CONSENT_COLUMNS, opened)
        for one in export_subscribers(rows(), by=by, services=services):
            if isinstance(one, Exported):
                subscribers.writerow(subscriber_cells(one))
            else:
                consents.writerow(consent_cells(one))
            counts[not isinstance(one, Exported)] += 1
    _say(f"{counts[0]} subscriptions are in {file}, {counts[1]} entries of the ledger in {ledger}.")
    return 0


def give_opt_outs(file: Path, rows: Rows, *, by: str, services: Services) -> int:
    """Export who said stop into a new file."""
    count = 0
    with ExitStack() as opened:
        writer = _writer(file, OPT_OUT_COLUMNS, opened)
        for one in export_opt_outs(rows(), by=by, services=services):
            writer.writerow(opt_out_cells(one))
            count += 1
    _say(f"{count} opt-outs are in {file}.")
    return 0


def _writer(file: Path, columns: Sequence[str], opened: ExitStack) -> Any:
    """A new file, its owner's alone, with a mark that makes spreadsheets read it as UTF-8."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    text: TextIO = opened.enter_context(os.fdopen(descriptor, "w", encoding="utf-8-sig", newline=""))
    writer = csv.writer(text)
    writer.writerow(columns)
    return writer


def _fail(said: str) -> int:
    sys.stderr.write(f"{said}\n")
    return _FAILED


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
