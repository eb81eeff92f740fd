"""What is merged over Chalice's template: everything it cannot make, and what it cannot say about what it makes."""

from infra import gateway, queues, table, watch
from infra.functions import API, FUNCTIONS, SES_EVENTS, TICK, WORKERS
from infra.shapes import Resource, Resources, ref, resource, sub
from infra.target import Target

PROVIDERS = frozenset({"prod"})
"""Stages that may reach Twilio and SES."""

PREFIX = "${AWS::StackName}-"
"""In front of every queue's name."""

_TABLE = {"Fn::If": ["HasRestoredTable", ref("RestoredTable"), ref("MainTable")]}
"""AWS restores a backup into a new table; the stack's own stays what and where it is."""

_TRAINING_VALUES = {"TwilioNumber": "+15005550006", "EmailFrom": "training@example.invalid"}
"""Addresses that reach nobody: Twilio's test number, and a domain that can never exist."""


def additions(stage: str, target: Target) -> Resource:
    """The template to merge over Chalice's for a stage."""
    resources: Resources = {**table.resources(), **queues.resources(prefix=PREFIX), **watch.resources(stage), **_ses(stage), **_functions(target)}
    resources["RestAPI"] = {"Properties": {"Name": f"belfry-{stage}", "GatewayResponses": gateway.responses()}}
    # Chalice names the API's log group after a function that is not there: github.com/aws/chalice/issues/2079
    resources["ApiHandlerLogGroup"] = {"Properties": {"LogGroupName": sub(f"/aws/lambda/${{{API}}}")}}
    return {
        "Description": f"Belfry, {stage}",
        "Parameters": _parameters(stage),
        "Conditions": {f"Has{name}": {"Fn::Not": [{"Fn::Equals": [ref(name), ""]}]} for name in ("AlarmEmail", "RestoredTable")},
        "Globals": {"Function": {"Environment": {"Variables": _environment(stage)}}},
        "Resources": resources,
        "Outputs": {"TableName": {"Value": _TABLE}, "AlarmTopic": {"Value": ref("AlarmTopic")}, "SesEventsTopic": {"Value": ref("SesEventsTopic")}},
    }


def _parameters(stage: str) -> Resource:
    practice = {} if stage in PROVIDERS else _TRAINING_VALUES
    asked: Resource = {
        "PublicUrl": {"Description": "Where residents find the app, as https://…; Twilio signs this"},
        "TwilioNumber": {"Description": "The number texts come from, as +1…"},
        "EmailFrom": {"Description": "The address email comes from; its domain is verified in SES"},
        "AlarmEmail": {"Description": "Who is told when something fails; empty: nobody yet", "Default": ""},
        "SmsPace": {"Description": "Texts a second that the sender may hand over", "Type": "Number", "Default": 100},
        "EmailPace": {"Description": "Emails a second that SES allows the account", "Type": "Number", "Default": 14},
        "RestoredTable": {"Description": "The table to work on after a restore, as <stack>-restored…; empty: the stack's own", "Default": ""},
    }
    return {name: {"Type": "String", **asked[name], **({"Default": practice[name]} if name in practice else {})} for name in asked}


def _environment(stage: str) -> Resource:
    return {
        "STAGE": stage,
        "TABLE": _TABLE,
        "QUEUE_PREFIX": sub(PREFIX),
        "SECRETS": sub("ssm:/${AWS::StackName}"),
        "PUBLIC_URL": ref("PublicUrl"),
        "TWILIO_NUMBER": ref("TwilioNumber"),
        "EMAIL_FROM": ref("EmailFrom"),
        "SMS_PACE": ref("SmsPace"),
        "EMAIL_PACE": ref("EmailPace"),
    }


def _functions(target: Target) -> Resources:
    """What Chalice takes from the Python that builds, and cannot say about event sources."""
    made: Resources = {name: {"Properties": {"Runtime": target.runtime, "Architectures": [target.architecture]}} for name in FUNCTIONS}
    for worker in WORKERS:
        made[worker.resource]["Properties"] |= queues.event_source(worker)
    made[SES_EVENTS]["Properties"]["Events"] = {f"{SES_EVENTS}SnsSubscription": {"Properties": {"Topic": sub("${SesEventsTopic}")}}}
    # A tick that failed is followed by the next; run late, it would only do the same work twice.
    made[TICK]["Properties"]["EventInvokeConfig"] = {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
    return made


def _ses(stage: str) -> Resources:
    """What SES tells us. No dead letters here: its events name addresses, and no queue may."""
    made = {"SesEventsTopic": resource("AWS::SNS::Topic"), "SesEventsPolicy": _may_publish()}
    if stage not in PROVIDERS:
        return made
    made["EmailSettings"] = resource("AWS::SES::ConfigurationSet", Name=sub("${AWS::StackName}"), ReputationOptions={"ReputationMetricsEnabled": True})
    events = ["SEND", "REJECT", "BOUNCE", "COMPLAINT", "DELIVERY", "RENDERING_FAILURE"]
    destination = {"Enabled": True, "MatchingEventTypes": events, "SnsDestination": {"TopicARN": ref("SesEventsTopic")}}
    made["EmailEvents"] = resource("AWS::SES::ConfigurationSetEventDestination", ConfigurationSetName=ref("EmailSettings"), EventDestination=destination)
    return made


def _may_publish() -> Resource:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "ses.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": ref("SesEventsTopic"),
        "Condition": {"StringEquals": {"AWS:SourceAccount": ref("AWS::AccountId")}},
    }
    return resource("AWS::SNS::TopicPolicy", Topics=[ref("SesEventsTopic")], PolicyDocument={"Version": "2012-10-17", "Statement": [statement]})
