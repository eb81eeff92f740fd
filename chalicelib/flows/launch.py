"""Launch: a due broadcast becomes sixteen fan-out jobs. Only one call wins; a repeated job is told so and ends."""

from chalicelib.domain.ids import SHARDS
from chalicelib.domain.jobs import FanOutJob, LaunchJob, fan_out_queue
from chalicelib.flows.services import Services
from chalicelib.state.queue import Outgoing
from chalicelib.state.sending import send_all


def launch(job: LaunchJob, *, services: Services) -> None:
    """Send a broadcast that is due and approved as it stands. Does nothing for any other."""
    broadcast = services.store.broadcasts.get(job.broadcast)
    if broadcast is None or not services.store.broadcasts.launch(broadcast, launch=services.new_id(), now=services.now()):
        return
    jobs = [Outgoing(FanOutJob(broadcast.id, shard).body) for shard in range(SHARDS)]
    send_all(services.queues.named(fan_out_queue(broadcast.lane)), jobs, sleep=services.sleep)
