"""Intake of the queue of stored posts."""

import json

from chalice.app import SQSEvent

from chalicelib.flows.publish_post import publish_post
from chalicelib.flows.services import Services
from chalicelib.intake.records import Failures, each_record


def publish(event: SQSEvent, *, services: Services) -> Failures:
    """Posts to publish."""
    return each_record(event, lambda body: publish_post(str(json.loads(body)["post"]), services=services))
