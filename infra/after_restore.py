"""Make a table fit to go on that was restored from a backup: `python -m infra.after_restore --stage prod --table belfry-prod-restored
--taken 2026-12-01T10:00:00Z --by ana`. To be run once, before any worker works on the table; see docs/deploy.md.

    the functions' logs ──who left since──▶ flows/after_restore.py ──▶ what was done, in a line each

Whoever opted out or left a topic after the backup was made is known from the log alone. It is read from CloudWatch, or with `--log` from files
that hold it, such as those of the city on this machine (`--stage local`, STATE_DIR).
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import wiring
from chalicelib.domain.consent import EVERYTHING, Leaving
from chalicelib.domain.times import parse_moment, to_ms
from chalicelib.errors import Invalid, Misconfigured, StateLater
from chalicelib.flows.after_restore import MARGIN, Restored, after_restore
from chalicelib.flows.services import Services
from chalicelib.settings import Settings, Stage
from chalicelib.state.sqlite_file import SqliteFile
from infra.build import STAGES
from local.clock import CityClock
from local.options import read_options

SAID = ("opted out", "left")
"""The lines that tell of somebody who left. Both name an address by its keyed hash alone."""


def main(arguments: Sequence[str]) -> int:
    """Do it, and say what was done."""
    parser = argparse.ArgumentParser(prog="after_restore", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stage", choices=("local", *STAGES), default="prod")
    parser.add_argument("--table", help="the restored table; not asked of a local city")
    parser.add_argument("--taken", required=True, help="when the backup was made, such as 2026-12-01T10:00:00Z; if in doubt, earlier")
    parser.add_argument("--by", required=True, help="who does this, for the audit")
    parser.add_argument("--log", action="append", type=Path, default=[], help="a file of log lines; else CloudWatch is read")
    asked = parser.parse_args(arguments)
    if asked.stage != "local" and not asked.table:
        parser.error("--table names the restored table")
    if asked.stage == "local" and not asked.log:
        parser.error("--log names the city's log files")
    try:
        taken = parse_moment(asked.taken, "--taken")
        services = local_services() if asked.stage == "local" else services_of(asked.stage, asked.table)
        lines = file_lines(asked.log) if asked.log else cloud_lines(boto3.client("logs"), f"/aws/lambda/belfry-{asked.stage}-", since=taken - MARGIN)
        say(after_restore(list(leavings(lines)), taken=taken, by=asked.by, services=services))
    except (Invalid, Misconfigured, StateLater, BotoCoreError, ClientError, OSError) as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 1
    return 0


def say(done: Restored) -> None:
    """What was done, for whoever ran this at night."""
    sys.stdout.write(
        f"{done.opt_outs} opt-outs and {done.leavings} leavings since the backup are done again.\n"
        f"{done.posts} posts and {done.letters} letters were open then, and are left alone.\n"
        f"{done.unconfirmed} deliveries were open then, and are unconfirmed now.\n"
        f"{len(done.broadcasts)} broadcasts wait for review (reason: restored); none is sent before somebody decides.\n"
    )
    for name in done.broadcasts:
        sys.stdout.write(f"  {name}\n")


# --- the log ---------------------------------------------------------------------------------------------------------


def leavings(lines: Iterable[str]) -> Iterator[Leaving]:
    """Who left, as log lines say; any other line is passed over."""
    for line in lines:
        if any(said in line for said in SAID):
            found = _leaving(line)
            if found:
                yield found


def _leaving(line: str) -> Leaving | None:
    try:
        said: Any = json.loads(line)
        if said["said"] in SAID:
            return Leaving(str(said["address"]), parse_moment(str(said.get("its_at", said["at"])), "at"), str(said.get("topic", EVERYTHING)))
    except (ValueError, KeyError, TypeError, Invalid):
        return None  # cut, or of another shape
    return None


def file_lines(files: Iterable[Path]) -> Iterator[str]:
    """The lines of files, one after the other."""
    for file in files:
        with file.open(encoding="utf-8", errors="replace") as text:
            yield from text


def cloud_lines(client: Any, prefix: str, *, since: datetime) -> Iterator[str]:
    """What functions whose log groups begin so have logged since then, of those who left."""
    pattern = " || ".join(f'$.said = "{said}"' for said in SAID)
    for page in client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix):
        for group in page["logGroups"]:
            asked = {"logGroupName": group["logGroupName"], "startTime": to_ms(since), "filterPattern": f"{{ {pattern} }}"}
            for found in client.get_paginator("filter_log_events").paginate(**asked):
                yield from (event["message"] for event in found["events"])


# --- the table -------------------------------------------------------------------------------------------------------


def services_of(stage: str, table: str, *, city: str | None = None) -> Services:
    """A deployed stage's services on a table, such as a restored one. It calls no provider, so it is told of none."""
    settings = Settings(
        stage=Stage(stage),
        public_url="https://unused.invalid",
        secrets=f"ssm:/belfry-{stage}",
        table=table,
        queue_prefix=f"belfry-{stage}-",
        city=city,
        state_file=None,
        twilio_url=None,
        ses_url=None,
        twilio_number="",
        email_from="",
        sms_pace=1,
        email_pace=1,
        sms_price_micros=0,
    )
    return wiring.build(settings)


def local_services() -> Services:
    """Those of the city on this machine, in its time. It should not run meanwhile."""
    options = read_options(os.environ)
    if not options.state_file.is_file():
        raise Misconfigured(f"There is no city at {options.state_file}; STATE_DIR says where one is.")
    return wiring.build(options.settings(), now=CityClock(SqliteFile(options.state_file)).now)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
