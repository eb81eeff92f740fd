"""Who is told when something fails: alarms, all on one topic that an operator subscribes to."""

from infra.functions import FUNCTIONS, SES_EVENTS, TICK, WORKERS, Worker
from infra.shapes import Resource, Resources, attribute, ref, resource

STUCK = "stuck"
"""What the sweep logs a batch as that is past all patience; counted, and an alarm from the first."""

_SPACE = "Belfry"
_MINUTE = 60
_URGENT_WAITS = 180
"""Seconds that an urgent message may lie in a queue before somebody is told; above the two minutes that a launch may be queued ahead."""


def resources(stage: str) -> Resources:
    """A topic for operators, and alarms for dead letters, failing functions, waiting urgent messages and stuck batches."""
    made: Resources = {
        "AlarmTopic": resource("AWS::SNS::Topic", DisplayName=f"Belfry {stage}: needs a look"),
        "AlarmEmailSubscription": {
            **resource("AWS::SNS::Subscription", TopicArn=ref("AlarmTopic"), Protocol="email", Endpoint=ref("AlarmEmail")),
            "Condition": "HasAlarmEmail",
        },
        "StuckMetric": _stuck_metric(stage),
        "StuckAlarm": _alarm("A batch is past all patience", Namespace=_SPACE, MetricName=_stuck_name(stage), Statistic="Sum", Threshold=1),
        "TickSilentAlarm": _silent(),
    }
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
    return _alarm(
        f"A message has waited {_URGENT_WAITS} s for {worker.name}",
        **_queue_metric(worker.queue_resource, "ApproximateAgeOfOldestMessage"),
        Threshold=_URGENT_WAITS,
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


def _stuck_metric(stage: str) -> Resource:
    return resource(
        "AWS::Logs::MetricFilter",
        LogGroupName=ref(f"{TICK}LogGroup"),
        FilterPattern=f'{{ $.event = "{STUCK}" }}',
        MetricTransformations=[{"MetricNamespace": _SPACE, "MetricName": _stuck_name(stage), "MetricValue": "1"}],
    )


def _stuck_name(stage: str) -> str:
    return f"{STUCK}-{stage}"


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
