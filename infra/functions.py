"""Every function of app.py and what feeds it. A test holds this table to the handlers that app.py declares."""

from dataclasses import dataclass

from infra.shapes import camel

SECONDS = 60
"""A worker's time. Below the 90 s lease of a claim, so that no worker outlives what it claimed."""

VISIBILITY = 6 * SECONDS
"""AWS asks for six times the function's time, or a message may be handed out again while its worker is still at it."""

MOST_RECEIVES = 5
DEAD_DAYS = 14


@dataclass(frozen=True)
class Worker:
    """A function fed by a queue. `urgent`: someone waits for it by the minute. `at_once`: how many may run side by side."""

    name: str
    queue: str
    at_once: int
    urgent: bool = False

    @property
    def resource(self) -> str:
        """What CloudFormation calls the function."""
        return camel(self.name)

    @property
    def queue_resource(self) -> str:
        """What CloudFormation calls its queue."""
        return f"{camel(self.queue)}Queue"

    @property
    def dead_resource(self) -> str:
        """What CloudFormation calls the queue of messages that it failed on."""
        return f"{camel(self.queue)}DeadQueue"


# At once: sixteen shards fan out side by side. The senders' pace is kept in the table, so more workers send no faster: three or four that take
# turns keep a sender of 100 a second busy through slow calls, and each more would be one more chunk in doubt when a provider hangs.
WORKERS = (
    Worker("launch", "launch", at_once=2, urgent=True),
    Worker("publish_post", "intake", at_once=4, urgent=True),
    Worker("fan_out_urgent", "fan-out-urgent", at_once=16, urgent=True),
    Worker("fan_out_routine", "fan-out-routine", at_once=16),
    Worker("send_sms_urgent", "sms-urgent", at_once=6, urgent=True),
    Worker("send_sms_routine", "sms-routine", at_once=4),
    Worker("send_email_urgent", "email-urgent", at_once=6, urgent=True),
    Worker("send_email_routine", "email-routine", at_once=4),
    Worker("send_kiosk_urgent", "kiosk-urgent", at_once=4, urgent=True),
    Worker("send_kiosk_routine", "kiosk-routine", at_once=2),
    Worker("send_reply", "replies", at_once=8, urgent=True),
    Worker("record_receipts", "receipts", at_once=8),
)

API, SES_EVENTS, TICK = "APIHandler", "SesEvents", "Tick"
FUNCTIONS = (API, SES_EVENTS, TICK, *(worker.resource for worker in WORKERS))
