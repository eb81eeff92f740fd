"""Every way into Belfry. Each body is one call; what it calls is imported there, so that a cold start loads only its own part."""

from typing import TYPE_CHECKING

from chalice.app import Chalice, CloudWatchEvent, Rate, SNSEvent, SQSEvent

from chalicelib import wiring
from chalicelib.settings import serves_http

if TYPE_CHECKING:
    from chalicelib.intake.records import Failures

app = Chalice(app_name="belfry", configure_logs=False)

if serves_http():
    from chalicelib.intake.front import open_doors

    open_doors(app, wiring.services)


# --- a broadcast, from due to handed over ----------------------------------------------------------------------------


@app.on_sqs_message(queue="launch", batch_size=10)
def launch(event: SQSEvent) -> "Failures":
    """Broadcasts fall due."""
    from chalicelib.intake import jobs

    return jobs.launch(event, services=wiring.services())


@app.on_sqs_message(queue="fan-out-urgent", batch_size=1)
def fan_out_urgent(event: SQSEvent) -> "Failures":
    """Shards of an urgent broadcast are read."""
    from chalicelib.intake import jobs

    return jobs.fan_out(event, services=wiring.services())


@app.on_sqs_message(queue="fan-out-routine", batch_size=1)
def fan_out_routine(event: SQSEvent) -> "Failures":
    """Shards of a broadcast are read."""
    from chalicelib.intake import jobs

    return jobs.fan_out(event, services=wiring.services())


@app.on_sqs_message(queue="sms-urgent", batch_size=1)
def send_sms_urgent(event: SQSEvent) -> "Failures":
    """Urgent texts are handed over."""
    from chalicelib.intake import jobs

    return jobs.send(event, services=wiring.services())


@app.on_sqs_message(queue="sms-routine", batch_size=1)
def send_sms_routine(event: SQSEvent) -> "Failures":
    """Texts are handed over."""
    from chalicelib.intake import jobs

    return jobs.send(event, services=wiring.services())


@app.on_sqs_message(queue="email-urgent", batch_size=1)
def send_email_urgent(event: SQSEvent) -> "Failures":
    """Urgent emails are handed over."""
    from chalicelib.intake import jobs

    return jobs.send(event, services=wiring.services())


@app.on_sqs_message(queue="email-routine", batch_size=1)
def send_email_routine(event: SQSEvent) -> "Failures":
    """Emails are handed over."""
    from chalicelib.intake import jobs

    return jobs.send(event, services=wiring.services())


@app.on_sqs_message(queue="kiosk-urgent", batch_size=1)
def send_kiosk_urgent(event: SQSEvent) -> "Failures":
    """Urgent notices are queued for kiosks."""
    from chalicelib.intake import jobs

    return jobs.send(event, services=wiring.services())


@app.on_sqs_message(queue="kiosk-routine", batch_size=1)
def send_kiosk_routine(event: SQSEvent) -> "Failures":
    """Notices are queued for kiosks."""
    from chalicelib.intake import jobs

    return jobs.send(event, services=wiring.services())


# --- what comes in beside HTTP ---------------------------------------------------------------------------------------


@app.on_sqs_message(queue="intake", batch_size=1)
def publish_post(event: SQSEvent) -> "Failures":
    """Stored posts become notices and broadcasts."""
    from chalicelib.intake import posts

    return posts.publish(event, services=wiring.services())


@app.on_sqs_message(queue="replies", batch_size=1)
def send_reply(event: SQSEvent) -> "Failures":
    """Letters to one person, such as a confirmation, are sent."""
    from chalicelib.intake import letters

    return letters.send(event, services=wiring.services())


@app.on_sqs_message(queue="receipts", batch_size=200, maximum_batching_window_in_seconds=2)
def record_receipts(event: SQSEvent) -> "Failures":
    """What providers say later is recorded."""
    from chalicelib.intake import receipts

    return receipts.record(event, services=wiring.services())


@app.on_sns_message(topic="ses-events")
def ses_events(event: SNSEvent) -> None:
    """SES says what became of an email."""
    from chalicelib.intake import receipts

    receipts.from_ses(event.message, services=wiring.services())


@app.schedule(Rate(1, unit=Rate.MINUTES))
def tick(_event: CloudWatchEvent) -> None:
    """A minute has passed."""
    from chalicelib.intake import jobs

    jobs.tick(services=wiring.services())
