"""The house as it is laid out: what the design names is where it says, and Lambda finds beside app.py what the repository has there."""

import ast
import functools
import json
import os
import subprocess
import sys

import pytest

from infra.functions import WORKERS
from infra.shapes import camel
from tests.house.sources import ROOT, shipped

FRONT_DOOR_LINES = 250
NOT_FOR_A_WORKER = {
    "email_validator",
    "jinja2",
    "phonenumbers",
    "babel",
    "twilio",
    "boto3",
    "jsonschema",
    "google.transit",
    "chalicelib.domain.parsing",
    "chalicelib.intake",
    "chalicelib.flows.send_batch",
    "chalicelib.render",
    "chalicelib.store.broadcast_rows",
    "chalicelib.store.broadcasts",
}


@functools.cache
def app_handlers() -> dict[str, str]:
    """The handlers that app.py declares, and what feeds each: a queue, or nothing of the kind."""
    asked = "import app, json; print(json.dumps({s.name: getattr(s, 'queue', '') for s in app.app.event_sources}))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True, cwd=ROOT)
    told: dict[str, str] = json.loads(done.stdout)
    return told


@pytest.mark.parametrize("name", ["templates", "city.toml"])
def test_vendor_links_what_chalice_would_leave_behind(name: str) -> None:
    link = ROOT / "vendor" / name
    assert link.is_symlink()
    assert link.resolve() == ROOT / name


def test_the_front_door_is_a_table_of_contents() -> None:
    lines = (ROOT / "app.py").read_text("utf-8").splitlines()
    assert len(lines) <= FRONT_DOOR_LINES


def test_every_module_says_what_it_is() -> None:
    assert not [one.name for one in shipped() if not ast.get_docstring(one.tree)]


def test_the_table_of_functions_is_what_the_app_declares() -> None:
    declared = app_handlers()
    assert {name: queue for name, queue in declared.items() if queue} == {worker.name: worker.queue for worker in WORKERS}
    assert {camel(name) for name, queue in declared.items() if not queue} == {"SesEvents", "Tick"}


@pytest.mark.parametrize("worker", ["app.send_kiosk_urgent", "app.tick"])
def test_a_cold_start_of_a_worker_loads_only_its_own_part(worker: str) -> None:
    asked = "import app, json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True, cwd=ROOT, env={**os.environ, "_HANDLER": worker})
    assert not NOT_FOR_A_WORKER & set(json.loads(done.stdout))


# --- the files that Chalice reads ------------------------------------------------------------------------------------


def config() -> dict[str, object]:
    read: dict[str, object] = json.loads((ROOT / ".chalice/config.json").read_text("utf-8"))
    return read


def test_chalice_guesses_no_policy_and_makes_no_layer() -> None:
    assert config()["autogen_policy"] is False
    assert config()["automatic_layer"] is False


def test_there_is_a_stage_for_this_machine_for_training_and_for_the_city() -> None:
    stages = config()["stages"]
    assert isinstance(stages, dict)
    assert set(stages) == {"local", "training", "prod"}


def test_every_policy_file_belongs_to_a_function_and_every_function_has_one() -> None:
    named = set(_policy_files(config()))
    assert named == {f"policies/{file.name}" for file in (ROOT / ".chalice/policies").iterdir()}
    functions = {"api_handler", *app_handlers()}
    assert {file.removeprefix("policies/").split(".")[0] for file in named} == functions


def _policy_files(part: object) -> list[str]:
    if not isinstance(part, dict):
        return []
    return [value for key, value in part.items() if key == "iam_policy_file"] + [found for value in part.values() for found in _policy_files(value)]
