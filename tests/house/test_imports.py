"""Who may import whom, as the design's table says. A part not named here may not exist."""

import ast
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.house.sources import Import, Module, module, shipped

PARTS: dict[str, set[str]] = {
    # part: the parts it may import
    "errors": set(),
    "settings": {"errors"},
    "domain": {"errors"},
    "feeds": {"domain", "errors"},
    "state": {"errors"},
    "store": {"state", "domain", "errors"},
    "render": {"domain", "errors"},
    "channels": {"state", "domain", "errors"},
    "flows": {"domain", "store", "state", "render", "channels", "errors"},
    "intake": {"flows", "domain", "feeds", "store", "render", "errors"},
    "logs": {"errors"},
    "wiring": {"errors", "logs", "settings", "domain", "feeds", "state", "store", "render", "channels", "flows"},
    "app": {"wiring", "intake", "flows", "settings"},
}
LIBRARIES = {
    # library: the parts that own it
    "phonenumbers": {"domain"},
    "email_validator": {"domain"},
    "google": {"feeds"},
    "boto3": {"state", "channels", "wiring"},
    "botocore": {"state", "channels", "wiring"},
    "mypy_boto3_dynamodb": {"state"},
    "mypy_boto3_sqs": {"state"},
    "mypy_boto3_sesv2": {"channels"},
    "sqlite3": {"state"},
    "cryptography": {"store"},
    "jinja2": {"render"},
    "markupsafe": {"render"},
    "babel": {"render"},
    "gettext": {"render"},
    "markdown_it": {"render"},
    "nh3": {"render"},
    "twilio": {"channels"},
    "urllib3": {"channels"},
    "chalice": {"intake", "app"},
    "jsonschema": {"intake"},
    "referencing": {"intake"},
}
DOORS = {
    # part: the modules of another part that it may know; the rest of that part is none of its business
    ("store", "state"): {"table", "queue", "sending", "limits"},
    ("flows", "state"): {"queue", "sending", "table"},
    ("channels", "state"): {"queue", "sending", "straight"},
}
SHARED_BY_FLOWS = {
    "capping",
    "completing",
    "filtering",
    "laying",
    "occasions",
    "opening",
    "patience",
    "switching",
    "services",
    "slots",
    "launching",
    "pages",
    "posting",
    "stopping",
    "task",
    "chunks",
    "looking",
    "digesting",
    "erasing",
    "moving",
    "doubts",
    "heeding",
    "waking",
    "screening",
    "talking",
    "weighing",
    "reviewing",
    "rosters",
    "sharing",
    "watching",
    "signing",
}
"""Modules of flows that are no flow: what a flow works with."""

LOADS_LATE = {"app", "chalicelib.wiring", "chalicelib.store.stores", "chalicelib.domain.parsing", "chalicelib.intake.schema"}
"""Here alone an import may stand inside a function, so that a cold start loads only its own part: what makes things for all others, and what
alone needs a library that takes long to load."""

CLOCKS = {
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
    "time": {"time", "time_ns", "sleep", "monotonic", "perf_counter"},
    "uuid": {"uuid1", "uuid4"},
    "os": {"urandom", "environ", "getenv"},
    "random": None,
    "secrets": {"token_bytes", "token_hex", "token_urlsafe", "choice", "randbelow"},
}
"""What makes a rule's answer depend on when and where it runs. None: all of the module."""

HANDED_OUT_BY = {
    *(("wiring", clock) for clock in CLOCKS.keys() - {"os"}),
    ("settings", "os"),
    ("store.sealed", "secrets"),  # a nonce is nobody's business but the seal's
    ("state.dynamodb", "time"),  # how long to wait before asking a throttled table again
    ("state.dynamodb", "random"),
}

MODULES = shipped()
OURS = {one.name for one in MODULES}


def wrongs(one: Module) -> Iterator[str]:
    """What a module imports and may not."""
    for found in one.imports:
        said = _inside_the_house(one, found) if found.name.startswith("chalicelib.") else _outside(one, found)
        if found.inside and one.name not in LOADS_LATE and not found.for_types:
            said = [*said, "inside a function"]
        yield from (f"{one.name}:{found.line} imports {found.name}: {what}" for what in said)


def _inside_the_house(one: Module, found: Import) -> list[str]:
    _, target, *rest = [*found.name.split("."), ""]
    door = DOORS.get((one.part, target), {rest[0]})
    if target == one.part:
        return ["a flow may not know another"] if target == "flows" and rest[0] not in SHARED_BY_FLOWS else []
    if target not in PARTS.get(one.part, set()) and not found.for_types:
        return [f"{one.part} may not know {target}"]
    return [] if rest[0] in door else ["not through the door"]


def _outside(one: Module, found: Import) -> list[str]:
    root = found.name.split(".")[0]
    if root in {"local", "bench", "tests", "infra"}:
        return [f"{root} is not shipped"]
    return [] if one.part in LIBRARIES.get(root, {one.part}) else [f"belongs to {', '.join(sorted(LIBRARIES[root]))}"]


def clocks(one: Module) -> Iterator[str]:
    """Where a module asks the machine what it should be told."""
    for node in ast.walk(one.tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
            owner, name = ast.unparse(node.value).split(".")[-1], node.attr
        elif isinstance(node, ast.ImportFrom) and node.module in CLOCKS and node.module not in {"datetime"}:
            owner, name = node.module, node.names[0].name
        else:
            continue
        wanted = CLOCKS.get(owner, set())
        if (wanted is None or name in wanted) and (one.name.removeprefix("chalicelib."), owner) not in HANDED_OUT_BY:
            yield f"{one.name}:{node.lineno} uses {owner}.{name}"


def test_every_module_belongs_to_a_part_of_the_house() -> None:
    assert {one.part for one in MODULES} <= PARTS.keys() | {"chalicelib"}


def test_modules_import_only_what_their_part_may_know() -> None:
    assert not [wrong for one in MODULES for wrong in wrongs(one)]


def test_modules_are_told_the_time_ids_and_settings() -> None:
    assert not [clock for one in MODULES for clock in clocks(one)]


def test_no_modules_import_each_other_in_a_ring() -> None:
    graph = {one.name: {_owner(found.name) for found in one.imports if not found.inside and not found.for_types} - {one.name, ""} for one in MODULES}
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as ring:
        pytest.fail(f"a ring: {' → '.join(ring.args[1])}")


def test_every_library_that_lambda_gets_has_an_owner() -> None:
    foreign = {found.name.split(".")[0] for one in MODULES for found in one.imports if not found.for_types} - sys.stdlib_module_names - {"chalicelib"}
    assert foreign <= LIBRARIES.keys()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        pytest.param("chalicelib.domain.a", "from chalicelib.store import b", "domain may not know store", id="domain reaches down"),
        pytest.param("chalicelib.domain.a", "import chalicelib.flows.launch", "domain may not know flows", id="plain import"),
        pytest.param("chalicelib.flows.a", "from chalicelib.flows import launch", "a flow may not know another", id="flow to flow"),
        pytest.param("chalicelib.flows.a", "from chalicelib.flows.launch import launch", "a flow may not know another", id="flow into flow"),
        pytest.param("chalicelib.flows.a", "from chalicelib.state.dynamodb import DynamoTable", "not through the door", id="flow to an adapter"),
        pytest.param("chalicelib.flows.a", "from twilio.rest import Client", "belongs to channels", id="flow to an SDK"),
        pytest.param("chalicelib.wiring", "import chalicelib.intake.api", "wiring may not know intake", id="wiring to intake"),
        pytest.param("chalicelib.render.a", "def f():\n    import json", "inside a function", id="hidden import"),
        pytest.param("chalicelib.render.a", "import local.world", "is not shipped", id="shipped to unshipped"),
    ],
)
def test_a_wrong_import_is_found(name: str, text: str, said: str) -> None:
    assert any(wrong.endswith(said) for wrong in wrongs(module(name, text)))


@pytest.mark.parametrize(
    "text",
    [
        "import datetime\ndatetime.datetime.now()",
        "from datetime import datetime\ndatetime.now()",
        "from time import sleep",
        "import random\nrandom.random()",
        "import os\nos.environ['A']",
    ],
)
def test_a_hidden_clock_is_found(text: str) -> None:
    assert list(clocks(module("chalicelib.domain.a", text)))


def _owner(name: str) -> str:
    """The module that a dotted name lives in; empty for what is not ours."""
    while name and name not in OURS:
        name = name.rpartition(".")[0]
    return name
