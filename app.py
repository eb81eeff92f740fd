"""Every way into Belfry. Each body is one call; what it calls is imported there, so that a cold start loads only its own part."""

from chalice import Chalice
from chalice.app import Rate, SNSEvent, SQSEvent

from chalicelib import wiring
from chalicelib.settings import serves_http

app = Chalice(app_name="belfry", configure_logs=False)
app.experimental_feature_flags = set()
BatchFailures = dict[str, list[dict[str, str]]]

if serves_http():
    from chalicelib.intake import front

    front.open_doors(app, wiring.services)


@app.on_sqs_message(queue="launch", batch_size=10)
def launch(event: SQSEvent) -> BatchFailures:
    """A broadcast falls due."""
    from chalicelib.intake import jobs

    return jobs.launch(event, services=wiring.services())


@app.on_sqs_message(queue="intake", batch_size=1)
def publish_post(event: SQSEvent) -> BatchFailures:
    """A stored post becomes notices and broadcasts."""
    from chalicelib.intake import jobs

    return jobs.publish_post(event, services=wiring.services())
