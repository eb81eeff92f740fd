"""Deploy a packaged stage: `python -m infra.deploy --stage prod --set TwilioNumber=+1… --set EmailFrom=…`.

    bucket, made once ──▶ bundle under its own hash ──▶ change set ──▶ wait ──▶ outputs

Credentials and region are boto3's own business. Parameters keep their last values. Without a PublicUrl the first deployment runs
twice, for the API has an address only after the first time.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from infra.build import STAGES
from infra.stack import NotDeployed, Say, Stack
from infra.staging import ROOT

NOT_YET = "https://not-yet.example.invalid"
"""Stands in for PublicUrl until the API has an address."""


@dataclass(frozen=True)
class Shelf:
    """The bucket that bundles are deployed from."""

    client: Any
    account: str
    region: str

    @property
    def bucket(self) -> str:
        """Its name, which no other account has."""
        return f"belfry-deployments-{self.account}-{self.region}"

    def prepare(self) -> None:
        """Make it, closed to the public, if it is not there yet. Raises NotDeployed where it is somebody else's."""
        try:
            self.client.head_bucket(Bucket=self.bucket, ExpectedBucketOwner=self.account)
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"404", "NoSuchBucket"}:
                raise NotDeployed(f"bucket {self.bucket}: {error}") from error
            elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": self.region}}
            self.client.create_bucket(Bucket=self.bucket, **({} if self.region == "us-east-1" else elsewhere))
            closed = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
            self.client.put_public_access_block(Bucket=self.bucket, PublicAccessBlockConfiguration=closed)

    def keep(self, content: bytes, ending: str) -> str:
        """Put a file under its own hash, and say its key."""
        key = f"{hashlib.sha256(content).hexdigest()}.{ending}"
        self.client.put_object(Bucket=self.bucket, Key=key, Body=content)
        return key

    def address(self, key: str) -> str:
        """Where CloudFormation reads a file of ours."""
        return f"https://{self.bucket}.s3.{self.region}.amazonaws.com/{key}"


def main(arguments: Sequence[str]) -> int:
    """Deploy, and print what the stack tells about itself."""
    parser = argparse.ArgumentParser(prog="deploy", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stage", choices=STAGES, default="prod")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter of the template", dest="values")
    asked = parser.parse_args(arguments)
    session = boto3.Session()
    if not session.region_name or not session.get_credentials():
        sys.stderr.write("Say who and where: AWS credentials and a region, in the environment or in your AWS profile.\n")
        return 1
    shelf = Shelf(session.client("s3"), session.client("sts").get_caller_identity()["Account"], session.region_name)
    try:
        values = {name: value for name, _, value in (one.partition("=") for one in asked.values)}
        outputs = deploy(Stack(session.client("cloudformation"), f"belfry-{asked.stage}"), values, built=ROOT / "build" / asked.stage, shelf=shelf, say=_say)
    except (NotDeployed, ClientError) as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 1
    for name, value in sorted(outputs.items()):
        _say(f"  {name}  {value}")
    return 0


def deploy(stack: Stack, values: Mapping[str, str], *, built: Path, shelf: Shelf, say: Say) -> dict[str, str]:
    """Bring a stack to what lies packaged in `built`; what it then tells about itself. Raises NotDeployed."""
    template = json.loads((built / "sam.json").read_text("utf-8"))
    unknown = values.keys() - template["Parameters"].keys()
    if unknown:
        raise NotDeployed(f"the template asks for {', '.join(template['Parameters'])}, not for {', '.join(sorted(unknown))}")
    shelf.prepare()
    code = {"Bucket": shelf.bucket, "Key": shelf.keep((built / "deployment.zip").read_bytes(), "zip")}
    place = shelf.address(shelf.keep(json.dumps(_with_code(template, code)).encode(), "json"))
    if "PublicUrl" in values or stack.parameters().get("PublicUrl", NOT_YET) != NOT_YET:
        stack.bring_to(place, values, names=template["Parameters"], say=say)
        return stack.outputs()
    stack.bring_to(place, {**values, "PublicUrl": NOT_YET}, names=template["Parameters"], say=say)
    say("The API has an address now; telling the functions.")
    stack.bring_to(place, {**values, "PublicUrl": stack.outputs()["EndpointURL"].rstrip("/")}, names=template["Parameters"], say=say)
    return stack.outputs()


def _with_code(template: dict[str, Any], code: Mapping[str, str]) -> dict[str, Any]:
    for one in template["Resources"].values():
        if one["Type"] == "AWS::Serverless::Function":
            one["Properties"]["CodeUri"] = code
    return template


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
