"""Intake of the queue of letters to one person."""

import json

from chalice.app import SQSEvent

from chalicelib.flows.send_reply import send_reply
from chalicelib.flows.services import Services
from chalicelib.intake.records import Failures, each_record


def send(event: SQSEvent, *, services: Services) -> Failures:
    """Letters to send."""
    return each_record(event, lambda body: send_reply(str(json.loads(body)["reply"]), services=services))
