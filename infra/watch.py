"""Who is told when something fails: alarms, all on one topic that an operator subscribes to."""

from collections.abc import Sequence

from chalicelib.state.queue import MOST_DELAY
from infra.functions import FUNCTIONS, SES_EVENTS, TICK, WORKERS, Worker
from infra.shapes import Resource, Resources, attribute, camel, ref, resource

LOGGED = {
    # what a worker logs: (metric, what it means)
    "job failed": ("failed-jobs", "A job failed and will be tried again; the log of its worker says which"),
    "job given up": ("jobs-given-up", "A job failed five times and is a dead letter; look, mend, and re-drive it"),
    "provider refuses our account": ("refused-by-provider", "A provider takes nothing from us before somebody acts: credentials, money, a suspended account"),
    "addresses cannot be opened": ("sealed-addresses", "No address of a chunk could be opened: is the sealing key the one they were sealed with?"),
    "batch given up": ("batches-given-up", "A batch was given up after eight tries; its untried recipients count as failed by us"),
    "letter given up": ("letters-given-up", "A letter to one person, such as a confirmation, could not be handed over; they are outside and do not know why"),
    "broadcast waits for review": ("broadcasts-in-review", "A guard keeps a broadcast back until an approver lets it go or somebody stops it"),
    "carriers filter a broadcast": (
        "broadcasts-filtered",
        "Carriers take one text in a hundred of a broadcast for spam; look at its words and links, then release its switch",
    ),
    "source paused by itself": ("sources-paused", "A source went over its caps three times within an hour; its posts are sent back until an admin releases it"),
}
"""Failures that Lambda does not count as such, because the worker gives back only the messages concerned."""

SAID_AT_THE_DOOR = {
    "robots sign up": ("robots", "Hardly anybody confirms a sign-up: pages ask a question first until that is over, or an admin releases the switch sign-ups"),
}
"""The same for what HTTP doors log."""

_SPACE = "Belfry"
_MINUTE = 60
_URGENT_WAITS = 180
"""Seconds that an urgent message may lie in a queue before somebody is told."""
_AHEAD = {"launch": MOST_DELAY}
"""Queues with messages that lie there as planned, and for how many seconds: a launch is queued ahead of its time. AWS does not say whether the age
of a message counts its delay (SQS developer guide, "Available CloudWatch metrics": "the age of the oldest unprocessed message"), so it may."""


def resources(stage: str) -> Resources:
    """A topic for operators, and alarms for dead letters, failing functions, waiting urgent messages and what workers gave up on."""
    made: Resources = {
        "AlarmTopic": resource("AWS::SNS::Topic", DisplayName=f"Belfry {stage}: needs a look"),
        "AlarmEmailSubscription": {
            **resource("AWS::SNS::Subscription", TopicArn=ref("AlarmTopic"), Protocol="email", Endpoint=ref("AlarmEmail")),
            "Condition": "HasAlarmEmail",
        },
        "TickSilentAlarm": _silent(),
    }
    for said, told in LOGGED.items():
        made |= _logged(said, told, stage, by=[worker.resource for worker in WORKERS])
    for said, told in SAID_AT_THE_DOOR.items():
        made |= _logged(said, told, stage, by=["ApiHandler"])
    made |= {f"{name}ErrorsAlarm": _errors(name) for name in FUNCTIONS}
    made |= {f"{worker.dead_resource}Alarm": _dead(worker) for worker in WORKERS}
    made |= {f"{worker.queue_resource}WaitsAlarm": _waits(worker) for worker in WORKERS if worker.urgent}
    return made


def _dead(worker: Worker) -> Resource:
    return _alarm(
        f"{worker.name} gave up on a message; look, mend, and re-drive it",
        **_queue_metric(worker.dead_resource, "ApproximateNumberOfMessagesVisible"),
        Threshold=1,
    )


def _waits(worker: Worker) -> Resource:
    ahead = _AHEAD.get(worker.queue, 0)
    planned = f", {ahead} s of them perhaps as planned" if ahead else ""
    return _alarm(
        f"A message has waited {_URGENT_WAITS + ahead} s for {worker.name}{planned}",
        **_queue_metric(worker.queue_resource, "ApproximateAgeOfOldestMessage"),
        Threshold=_URGENT_WAITS + ahead,
    )


def _errors(function: str) -> Resource:
    return _alarm(f"{function} fails", **_function_metric(function, "Errors"), Threshold=1 if function in {SES_EVENTS, TICK} else 3)


def _silent() -> Resource:
    return _alarm(
        "The clock has not ticked for five minutes: nothing that falls due is launched",
        **_function_metric(TICK, "Invocations"),
        Threshold=1,
        ComparisonOperator="LessThanThreshold",
        EvaluationPeriods=5,
        TreatMissingData="breaching",
    )


def _logged(said: str, told: tuple[str, str], stage: str, *, by: Sequence[str]) -> Resources:
    """Count a line in these functions' logs, and an alarm from the first."""
    metric, meaning = told
    name, title = f"{metric}-{stage}", camel(metric)
    counted = {"MetricNamespace": _SPACE, "MetricName": name, "MetricValue": "1"}
    pattern = f'{{ $.said = "{said}" }}'
    made = {
        f"{function}{title}Metric": resource(
            "AWS::Logs::MetricFilter", LogGroupName=ref(f"{function}LogGroup"), FilterPattern=pattern, MetricTransformations=[counted]
        )
        for function in by
    }
    return made | {f"{title}Alarm": _alarm(meaning, Namespace=_SPACE, MetricName=name, Statistic="Sum", Threshold=1)}


def _queue_metric(queue: str, name: str) -> Resource:
    dimensions = [{"Name": "QueueName", "Value": attribute(queue, "QueueName")}]
    return {"Namespace": "AWS/SQS", "MetricName": name, "Dimensions": dimensions, "Statistic": "Maximum"}


def _function_metric(function: str, name: str) -> Resource:
    return {"Namespace": "AWS/Lambda", "MetricName": name, "Dimensions": [{"Name": "FunctionName", "Value": ref(function)}], "Statistic": "Sum"}


def _alarm(said: str, **properties: object) -> Resource:
    usual = {
        "AlarmDescription": said,
        "AlarmActions": [ref("AlarmTopic")],
        "OKActions": [ref("AlarmTopic")],
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "EvaluationPeriods": 1,
        "Period": _MINUTE,
        "TreatMissingData": "notBreaching",
    }
    return resource("AWS::CloudWatch::Alarm", **(usual | properties))
