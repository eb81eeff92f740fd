"""How a CloudFormation template is written down in Python."""

from typing import Any

Resource = dict[str, Any]
"""One resource, or a part of one: JSON."""

Resources = dict[str, Resource]


def resource(kind: str, **properties: Any) -> Resource:
    """A resource of this type."""
    return {"Type": kind, "Properties": properties}


def ref(name: str) -> Resource:
    """The name of a resource, or the value of a parameter."""
    return {"Ref": name}


def arn(name: str) -> Resource:
    """The ARN of a resource."""
    return attribute(name, "Arn")


def attribute(name: str, of: str) -> Resource:
    """Something that a resource tells about itself."""
    return {"Fn::GetAtt": [name, of]}


def sub(text: str) -> Resource:
    """Text with `${…}` filled in."""
    return {"Fn::Sub": text}


def camel(name: str) -> str:
    """`send_sms_urgent` and `sms-urgent` as CloudFormation writes names: `SendSmsUrgent`, `SmsUrgent`."""
    return "".join(part.title() for part in name.replace("-", "_").split("_"))
