"""Requests held to the schemas of the OpenAPI document: what it says is what is checked."""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.domain.strict_json import MOST_PROBLEMS, Json, pointer, shown
from chalicelib.errors import Invalid, Problem

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

DOCUMENT = Path(__file__).with_name("openapi.json")
MOST_MEMBERS = 100
"""Members of one list or object. Checking for repeated ones takes the square of it."""

# The keyword that failed → our code and what to do. Never the value: it may be anything, and about anybody.
_SAID: Mapping[str, tuple[str, str]] = {
    "type": ("wrong_type", "This has the wrong JSON type."),
    "enum": ("not_one_of", "Use one of: {limit}."),
    "minLength": ("too_short", "Use at least {limit} characters."),
    "maxLength": ("too_long", "Use at most {limit} characters."),
    "minItems": ("too_few", "Give at least {limit}."),
    "maxItems": ("too_many", "Give at most {limit}."),
    "minProperties": ("too_few", "Give at least {limit}."),
    "maxProperties": ("too_many", "Give at most {limit}."),
    "uniqueItems": ("repeated", "Give each only once."),
    "minimum": ("too_small", "Use at least {limit}."),
    "maximum": ("too_large", "Use at most {limit}."),
}


def document() -> str:
    """The OpenAPI document, as served."""
    return DOCUMENT.read_text("utf-8")


def check(name: str, body: dict[str, Json]) -> None:
    """Hold a body to a schema of the document. Raises Invalid naming every field that is wrong, twenty at most."""
    _hold_to_size(body, ())
    found = [problem for error in _validator(name).iter_errors(body) for problem in _problems(error)]
    if found:
        ordered = sorted(dict.fromkeys(found), key=lambda one: (one.pointer, one.code))
        raise Invalid("Some fields are wrong; each is named below.", problems=ordered[:MOST_PROBLEMS])


@cache
def _validator(name: str) -> "Draft202012Validator":
    from jsonschema import Draft202012Validator
    from referencing import Registry
    from referencing.jsonschema import DRAFT202012

    resource = DRAFT202012.create_resource(json.loads(document()))
    return Draft202012Validator({"$ref": f"urn:belfry#/components/schemas/{name}"}, registry=Registry().with_resource("urn:belfry", resource))


def _hold_to_size(value: Json, steps: tuple[str | int, ...]) -> None:
    """Refuse what would take long to check. The depth was held when the JSON was read."""
    if not isinstance(value, dict | list):
        return
    if len(value) > MOST_MEMBERS:
        raise Invalid.field(pointer(*steps), "too_many", f"Give at most {MOST_MEMBERS}.")
    for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
        _hold_to_size(inner, (*steps, name))


def _problems(error: "ValidationError") -> Iterable[Problem]:
    at, limit, schema = [*error.absolute_path], _any(error.validator_value), _any(error.schema)
    if error.validator == "required":
        return [Problem(pointer(*at, name), "missing", "This field is missing.") for name in limit if name not in _any(error.instance)]
    if error.validator == "additionalProperties":
        known = schema.get("properties", {})
        return [Problem(pointer(*at, shown(name)), "unknown_field", "There is no such field.") for name in _any(error.instance) if name not in known]
    if "propertyNames" in error.absolute_schema_path:
        return [Problem(pointer(*at, shown(str(error.instance))), "bad_name", "Use a language tag, such as en or zh-Hans.")]
    if error.validator == "pattern":
        return [Problem(pointer(*at), "bad_form", str(schema.get("description", "This has the wrong form.")))]
    code, detail = _SAID[str(error.validator)]
    return [Problem(pointer(*at), code, detail.format(limit=", ".join(limit) if isinstance(limit, list) else limit))]


def _any(value: object) -> Any:
    """jsonschema types what a schema or a body holds as "anything or not set"."""
    return value
