"""The way to a city's account, as far as it can be walked without one: bucket and uploads on moto, CloudFormation stood in for."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, WaiterError
from moto import mock_aws

from infra.deploy import NOT_YET, Shelf, deploy
from infra.stack import NotDeployed, Stack

REGION = "eu-west-1"
TEMPLATE = {
    "Parameters": {"PublicUrl": {}, "TwilioNumber": {}},
    "Resources": {"Launch": {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "./deployment.zip"}}},
}


@dataclass
class CloudFormation:
    """What CloudFormation does with change sets: parameters kept or given, nothing to do where nothing changed, a reason where it fails."""

    parameters: dict[str, str] | None = None
    template: str = ""
    asked: dict[str, Any] = field(default_factory=dict)
    broken: bool = False

    def describe_stacks(self, **_asked: str) -> dict[str, Any]:
        if self.parameters is None:
            raise ClientError({"Error": {"Code": "ValidationError", "Message": "Stack does not exist"}}, "DescribeStacks")
        given = [{"ParameterKey": name, "ParameterValue": value} for name, value in self.parameters.items()]
        outputs = [{"OutputKey": "EndpointURL", "OutputValue": "https://api.example.com/api/"}]
        return {"Stacks": [{"StackStatus": "UPDATE_COMPLETE", "Parameters": given, "Outputs": outputs}]}

    def create_change_set(self, **asked: Any) -> dict[str, str]:
        assert asked["ChangeSetType"] == ("CREATE" if self.parameters is None else "UPDATE")
        assert "CAPABILITY_AUTO_EXPAND" in asked["Capabilities"], "the SAM transform needs it"
        known = self.parameters or {}
        values = {one["ParameterKey"]: known[one["ParameterKey"]] if one.get("UsePreviousValue") else one["ParameterValue"] for one in asked["Parameters"]}
        self.asked = {"template": asked["TemplateURL"], "parameters": values}
        return {"Id": "change-set"}

    def get_waiter(self, name: str) -> "CloudFormation":
        self.waits_for = name
        return self

    def wait(self, **_: str) -> None:
        nothing = self.waits_for == "change_set_create_complete" and self.asked == {"template": self.template, "parameters": self.parameters}
        if nothing or (self.broken and self.waits_for != "change_set_create_complete"):
            raise WaiterError(self.waits_for, "failed", {})

    def describe_change_set(self, **_asked: str) -> dict[str, str]:
        return {"StatusReason": "The submitted information didn't contain changes. Submit different information to create a change set."}

    def delete_change_set(self, **_asked: str) -> None:
        self.asked = {}

    def execute_change_set(self, **_asked: str) -> None:
        self.template, self.parameters = self.asked["template"], self.asked["parameters"]

    def describe_stack_events(self, **_asked: str) -> dict[str, Any]:
        told = {"LogicalResourceId": "EmailSettings", "ResourceStatus": "CREATE_FAILED", "ResourceStatusReason": "already exists"}
        return {"StackEvents": [told, {"LogicalResourceId": "MainTable", "ResourceStatus": "CREATE_COMPLETE"}]}


@dataclass
class Account:
    cloud: CloudFormation
    shelf: Shelf
    built: Path
    said: list[str] = field(default_factory=list)

    def deploy(self, **values: str) -> dict[str, str]:
        return deploy(Stack(self.cloud, "belfry-prod"), values, built=self.built, shelf=self.shelf, say=self.said.append)


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    for name, value in {"AWS_DEFAULT_REGION": REGION, "AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "sam.json").write_text(json.dumps(TEMPLATE))
    (tmp_path / "deployment.zip").write_bytes(b"a bundle")
    with mock_aws():
        yield Account(CloudFormation(), Shelf(boto3.client("s3"), "123456789012", REGION), tmp_path)


def test_a_first_deployment_learns_its_own_address(account: Account) -> None:
    account.deploy(TwilioNumber="+15005550006")
    assert account.cloud.parameters == {"TwilioNumber": "+15005550006", "PublicUrl": "https://api.example.com/api"}
    assert account.said == ["Creating belfry-prod …", "The API has an address now; telling the functions.", "Updating belfry-prod …"]


def test_a_deployment_that_stopped_half_way_is_finished_by_the_next(account: Account) -> None:
    account.cloud.parameters = {"TwilioNumber": "+15005550006", "PublicUrl": NOT_YET}
    account.deploy()
    assert account.cloud.parameters == {"TwilioNumber": "+15005550006", "PublicUrl": "https://api.example.com/api"}


def test_a_later_deployment_keeps_what_it_was_told_before(account: Account) -> None:
    account.deploy(TwilioNumber="+15005550006", PublicUrl="https://alerts.example.gov")
    account.deploy(TwilioNumber="+15005550007")
    assert account.cloud.parameters == {"TwilioNumber": "+15005550007", "PublicUrl": "https://alerts.example.gov"}


def test_a_deployment_of_the_same_again_changes_nothing(account: Account) -> None:
    account.deploy(TwilioNumber="+15005550006", PublicUrl="https://alerts.example.gov")
    account.deploy()
    assert account.said == ["Creating belfry-prod …", "belfry-prod is as packaged already."]


def test_a_stack_that_was_rolled_back_says_why(account: Account) -> None:
    account.cloud.broken = True
    with pytest.raises(NotDeployed, match="EmailSettings: already exists"):
        account.deploy(TwilioNumber="+1", PublicUrl="https://alerts.example.gov")


def test_functions_run_the_bundle_that_lies_in_a_closed_bucket_under_its_own_hash(account: Account) -> None:
    account.deploy(TwilioNumber="+1", PublicUrl="https://alerts.example.gov")
    key, bucket = f"{sha256(b'a bundle').hexdigest()}.zip", account.shelf.bucket
    template = json.load(account.shelf.client.get_object(Bucket=bucket, Key=account.cloud.template.rsplit("/", 1)[1])["Body"])
    assert template["Resources"]["Launch"]["Properties"]["CodeUri"] == {"Bucket": bucket, "Key": key}
    assert account.shelf.client.get_object(Bucket=bucket, Key=key)["Body"].read() == b"a bundle"
    assert all(account.shelf.client.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())


def test_a_parameter_that_nobody_asked_for_is_refused_before_anything_happens(account: Account) -> None:
    with pytest.raises(NotDeployed, match="asks for PublicUrl, TwilioNumber, not for TwilioNumbr"):
        account.deploy(TwilioNumbr="+1")
    assert not account.shelf.client.list_buckets()["Buckets"]
