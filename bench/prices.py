"""What AWS would charge: calls and units counted in a run, times the price list; the time of functions from the simulation."""

from collections.abc import Mapping
from dataclasses import dataclass

# Dollars per million, list prices of us-east-1, no free tier. DynamoDB on demand, SQS standard, Lambda on arm64, API Gateway's REST API.
WRITE_UNIT, READ_UNIT, QUEUE_REQUEST, INVOCATION, REST_CALL = 0.625, 0.125, 0.40, 0.20, 3.50
GB_SECOND = 13.3334
LOG_GB = 0.50
"""Dollars per GB taken in by CloudWatch."""

MEMORY_GB = 0.5
STRETCH = 3.5
"""A function of 0.5 GB has 0.29 of a core: what takes a second of CPU here takes so many there."""
STATE_SECONDS = 0.005
"""How long a call to the table or a queue takes, from call to answer."""
PROVIDER_SECONDS = 0.15
"""How long a provider takes to answer."""
_LOGGED = 500
"""Bytes that Lambda itself logs of an invocation."""


@dataclass(frozen=True)
class Used:
    """What a number of recipients used: units as counted, invocations, and seconds that functions ran for them."""

    recipients: int
    bill: Mapping[str, int]
    invocations: float
    seconds: float
    rest_calls: int = 0

    def dollars(self) -> dict[str, float]:
        """Dollars per million recipients, by what they are paid for."""
        units = {
            "writes": self.bill.get("write_units", 0) * WRITE_UNIT,
            "reads": self.bill.get("read_half_units", 0) / 2 * READ_UNIT,
            "queues": self.bill.get("queue_requests", 0) * QUEUE_REQUEST,
            "invocations": self.invocations * INVOCATION,
            "function_time": self.seconds * MEMORY_GB * GB_SECOND,
            "logs": self.invocations * _LOGGED / 1e9 * LOG_GB * 1e6,
            "rest_api": self.rest_calls * REST_CALL,
        }
        found = {name: round(paid / self.recipients, 3) for name, paid in units.items() if paid}
        return {**found, "total": round(sum(units.values()) / self.recipients, 2)}
