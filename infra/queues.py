"""The queues that feed the workers, each with a queue for what its worker failed on, and how the two are tied to the functions."""

from infra.functions import DEAD_DAYS, MOST_RECEIVES, VISIBILITY, WORKERS, Worker
from infra.shapes import Resource, Resources, arn, resource, sub

_DAY = 24 * 3600


def resources(*, prefix: str) -> Resources:
    """Two queues for each worker, named as the code names them with `prefix` (which may hold `${…}`) in front."""
    made: Resources = {}
    for worker in WORKERS:
        made[worker.dead_resource] = _queue(f"{prefix}{worker.queue}-dead", MessageRetentionPeriod=DEAD_DAYS * _DAY)
        made[worker.queue_resource] = _queue(
            f"{prefix}{worker.queue}",
            VisibilityTimeout=VISIBILITY,
            MessageRetentionPeriod=4 * _DAY,
            RedrivePolicy={"deadLetterTargetArn": arn(worker.dead_resource), "maxReceiveCount": MOST_RECEIVES},
        )
    return made


def event_source(worker: Worker) -> Resource:
    """What Chalice leaves out of a worker's event source: which failed messages to hand out again, and how many run at once."""
    source = {
        # `Fn::Sub`, as Chalice writes it: another key would be merged beside it.
        "Queue": sub(f"${{{worker.queue_resource}.Arn}}"),
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": worker.at_once},
    }
    return {"Events": {f"{worker.resource}SqsEventSource": {"Properties": source}}}


def _queue(name: str, **properties: object) -> Resource:
    return resource("AWS::SQS::Queue", QueueName=sub(name), SqsManagedSseEnabled=True, **properties)
