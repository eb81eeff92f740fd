"""A CloudFormation stack: what it is, and how it becomes what a template says, all or nothing."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError, WaiterError

Say = Callable[[str], None]

_NOTHING_TO_DO = re.compile("didn't contain changes|No updates are to be performed")
_FAILED = re.compile("FAILED|ROLLBACK")


class NotDeployed(Exception):
    """The stack is as it was; the text says why."""


@dataclass(frozen=True)
class Stack:
    """A stack by its name; it need not exist yet."""

    client: Any
    name: str

    def parameters(self) -> dict[str, str]:
        """The values it was last given; none where it does not exist."""
        return {one["ParameterKey"]: one.get("ParameterValue", "") for one in self._read().get("Parameters", [])}

    def outputs(self) -> dict[str, str]:
        """What it tells about itself."""
        return {one["OutputKey"]: one["OutputValue"] for one in self._read().get("Outputs", [])}

    def bring_to(self, template: str, values: Mapping[str, str], *, names: Mapping[str, object], say: Say) -> None:
        """Make it what the template at this address says. Parameters without a value keep their last. Raises NotDeployed."""
        exists = bool(self._read())
        asked = self.client.create_change_set(
            StackName=self.name,
            ChangeSetName=f"belfry-{_digest(template, values)}",
            ChangeSetType="UPDATE" if exists else "CREATE",
            TemplateURL=template,
            Parameters=_parameters(values, names, self.parameters()),
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )["Id"]
        if not self._is_ready(asked):
            say(f"{self.name} is as packaged already.")
            return
        say(f"{'Updating' if exists else 'Creating'} {self.name} …")
        self.client.execute_change_set(ChangeSetName=asked)
        self._wait("stack_update_complete" if exists else "stack_create_complete")

    def _read(self) -> dict[str, Any]:
        """The stack as it stands; empty where there is none, or only the plan of one."""
        try:
            [found] = self.client.describe_stacks(StackName=self.name)["Stacks"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":  # CloudFormation's word for a stack it does not know
                raise
            return {}
        return {} if found["StackStatus"] == "REVIEW_IN_PROGRESS" else dict(found)

    def _is_ready(self, change_set: str) -> bool:
        """Whether there is something to execute. Raises NotDeployed where the template is refused."""
        try:
            self.client.get_waiter("change_set_create_complete").wait(ChangeSetName=change_set)
            return True
        except WaiterError as error:
            told = self.client.describe_change_set(ChangeSetName=change_set).get("StatusReason", "")
            self.client.delete_change_set(ChangeSetName=change_set)
            if _NOTHING_TO_DO.search(told):
                return False
            raise NotDeployed(told or str(error)) from error

    def _wait(self, until: str) -> None:
        try:
            self.client.get_waiter(until).wait(StackName=self.name)
        except WaiterError as error:
            events = self.client.describe_stack_events(StackName=self.name)["StackEvents"]
            failed = [one for one in events if _FAILED.search(one["ResourceStatus"]) and one.get("ResourceStatusReason")]
            reasons = [f"  {one['LogicalResourceId']}: {one['ResourceStatusReason']}" for one in failed[:10]]
            raise NotDeployed("\n".join([f"{self.name} was rolled back:", *reasons])) from error


def _parameters(values: Mapping[str, str], names: Mapping[str, object], known: Mapping[str, str]) -> list[dict[str, Any]]:
    given = [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()]
    return given + [{"ParameterKey": name, "UsePreviousValue": True} for name in names if name in known and name not in values]


def _digest(template: str, values: Mapping[str, str]) -> str:
    return hashlib.sha256(repr((template, sorted(values.items()))).encode()).hexdigest()[:16]
