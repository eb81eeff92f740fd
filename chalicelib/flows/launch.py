"""Launch: a due broadcast is weighed, and becomes sixteen fan-out jobs, or waits for a person.

    count anew → judge → launch write → fan-out jobs
                       ↘ needs_review, out of the index, with its reason

Only one call wins; a repeated job is told so and ends.
"""

import logging
from datetime import timedelta

from chalicelib.domain.broadcast import Broadcast, BroadcastState
from chalicelib.domain.guards import Weighed, judge, nearly_spent
from chalicelib.domain.ids import SHARDS
from chalicelib.domain.jobs import FanOutJob, LaunchJob, fan_out_queue
from chalicelib.flows.launching import queue_launch
from chalicelib.flows.reviewing import keep_back, report_again
from chalicelib.flows.services import Services
from chalicelib.flows.weighing import weigh, with_counted
from chalicelib.state.queue import Outgoing
from chalicelib.state.sending import send_all

EARLY = timedelta(seconds=15)
"""A message that comes so much before its time comes again then: our clocks may be ten seconds apart."""

_log = logging.getLogger("belfry")


def launch(job: LaunchJob, *, services: Services) -> None:
    """Send a broadcast that is due and approved as it stands, if nothing about it is odd. Does nothing for any other."""
    found, now = services.store.broadcasts.get(job.broadcast), services.now()
    if found is None or found.state is not BroadcastState.SCHEDULED or found.due is None:
        report_again(found)
        return
    if found.due > now:
        if found.due - now <= EARLY:
            queue_launch(found, services=services)
        return
    weighed = weigh(found, now, services=services)
    review = judge(weighed)
    if review:
        keep_back(weighed, review, services=services)
        return
    broadcast = found if found.planned else with_counted(found, weighed.counted)
    services.store.digests.list_sent(broadcast.id, now)
    if services.store.broadcasts.launch(broadcast, launch=services.new_id(), now=services.now()):
        _warn(weighed)
        _fan_out(broadcast, services)


def _warn(weighed: Weighed) -> None:
    for period in nearly_spent(weighed.spending) if weighed.spending else ():
        _log.warning("budget nearly spent", extra={"fields": {"period": period, "broadcast": weighed.broadcast.id}})


def _fan_out(broadcast: Broadcast, services: Services) -> None:
    jobs = [Outgoing(FanOutJob(broadcast.id, shard).body) for shard in range(SHARDS)]
    send_all(services.queues.named(fan_out_queue(broadcast.lane)), jobs, sleep=services.sleep)
