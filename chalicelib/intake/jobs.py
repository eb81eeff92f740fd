"""Intake of the engine's queues and of the schedule."""

from chalice.app import SQSEvent

from chalicelib.domain.jobs import read_fan_out, read_launch, read_send
from chalicelib.flows import fan_out as fan_out_flow
from chalicelib.flows import launch as launch_flow
from chalicelib.flows import send_batch, sweep
from chalicelib.flows.services import Services
from chalicelib.intake.records import Failures, each_record


def launch(event: SQSEvent, *, services: Services) -> Failures:
    """Broadcasts that fall due."""
    return each_record(event, lambda body: launch_flow.launch(read_launch(body), services=services))


def fan_out(event: SQSEvent, *, services: Services) -> Failures:
    """Shards to read."""
    return each_record(event, lambda body: fan_out_flow.fan_out(read_fan_out(body), services=services))


def send(event: SQSEvent, *, services: Services) -> Failures:
    """Batches to hand over."""
    return each_record(event, lambda body: send_batch.send_batch(read_send(body), services=services))


def tick(*, services: Services) -> None:
    """A minute has passed."""
    sweep.sweep(services=services)
