"""Run with nothing on the path but an unzipped bundle and what Lambda brings: imports every module, renders every template in every locale.

    python -I -S render_all.py <bundle> <brought by Lambda>

Prints what it did, as JSON. A template's values are stood in for by what the template does with them.
"""

import json
import pkgutil
import sys
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

URL = "https://alerts.example.gov"
NOON = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
GIVEN = {
    "_",
    "city",
    "public_url",
    "topic_name",
    "area_name",
    "static_url",
    "static_integrity",
    "day_names",
    "hour_name",
    "hour_names",
    "format_date",
    "format_time",
    "format_moment",
    "gettext",
    "ngettext",
    "pgettext",
    "npgettext",
    "locale",
    "dir",
    "chrome",
}
"""What every template is given by its environment."""


class Anything(str):
    """A value that answers to whatever a template asks of it."""

    __slots__ = ()

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything(f"{self}.{name}")

    def __getitem__(self, key):
        return Anything(f"{self}[{key}]") if isinstance(key, str) else super().__getitem__(key)

    def __iter__(self):
        return iter([Anything(f"{self}[0]"), Anything(f"{self}[1]")])

    def __call__(self, *_, **__):
        return Anything(f"{self}()")

    def items(self):
        return [(Anything("en"), Anything(f"{self}.value"))]

    def __int__(self):
        return 2

    def __lt__(self, other):
        return True

    __le__ = __gt__ = __ge__ = __lt__

    def __sub__(self, other):
        return 1

    __add__ = __radd__ = __rsub__ = __sub__

    def astimezone(self, _zone):
        return NOON


class AnyTopic(dict):
    """A city's topics, or its areas, and one of them for any other name."""

    def __missing__(self, _name):
        return next(iter(self.values()))


def main(bundle, brought):
    sys.path[:] = [bundle, brought, *(part for part in sys.path if "site-packages" not in part)]
    modules = [import_module(found.name).__name__ for found in pkgutil.walk_packages([f"{bundle}/chalicelib"], "chalicelib.")]
    import_module("app")
    root = Path(bundle)
    told = {"modules": modules, "rendered": render_all(root), "notices": dict(notices(root)), "foreign": foreign(bundle, brought), "compiled": compiled()}
    json.dump(told, sys.stdout)


def render_all(root):
    """How long each template is in each locale, its values stood in for."""
    from chalicelib.domain.city import parse_city
    from chalicelib.domain.locale import SPOKEN
    from chalicelib.render.environment import Templates

    folder = root / "templates"
    city = parse_city((root / "city.toml").read_text("utf-8"))
    templates = Templates(folder, city=replace(city, topics=AnyTopic(city.topics), areas=AnyTopic(city.areas)), public_url=URL)
    done = {}
    for file in sorted(file for file in folder.rglob("*.*") if file.suffix in {".txt", ".html", ".json", ".xml"} and file.parent != folder / "static"):
        name = file.relative_to(folder).as_posix()
        values = {one: Anything(one) for one in wants(folder, name)}
        done[name] = [len(templates.render(name, locale, values)) for locale in SPOKEN]
    return done


def wants(folder, name):
    """The values that a template, and those it includes, extends or imports, are to be given."""
    from jinja2 import Environment, FileSystemLoader, meta, nodes

    environment = Environment(loader=FileSystemLoader(folder), extensions=["jinja2.ext.i18n"], autoescape=True)
    environment.filters["in_url"] = str
    tree = environment.parse(environment.loader.get_source(environment, name)[0])
    wanted = {one.name for one in tree.find_all(nodes.Name) if one.ctx == "load"} - GIVEN - environment.globals.keys()
    for other in meta.find_referenced_templates(tree):
        wanted |= wants(folder, other) if other else set()
    return wanted


def notices(root):
    """The same notice in each kind, as each channel says it in Arabic, whole."""
    from chalicelib.domain.broadcast import Content
    from chalicelib.domain.city import parse_city
    from chalicelib.domain.notice import Act, Kind, Severity, Text, Urgency
    from chalicelib.render.renderer import CityRenderer

    renderer = CityRenderer(city=parse_city((root / "city.toml").read_text("utf-8")), templates=root / "templates", public_url=URL)
    texts = {"en": Text("Bell Square", "Closed **today**."), "ar": Text("Bell Square", "مغلق اليوم.")}
    for kind in Kind:
        content = Content("nt_1", 1, Act.PUBLISHED, kind, Severity.MODERATE, Urgency.EXPECTED, texts, "en", None, NOON, NOON)
        yield f"{kind} sms", renderer.sms(content, "ar").body
        yield f"{kind} email", str(renderer.email(content, "ar", "transit").values)
        yield f"{kind} kiosk", json.dumps(renderer.kiosk(content, "bc_1").envelope)


def foreign(bundle, brought):
    """Files that were loaded from anywhere else than the bundle, what Lambda brings, and Python itself."""
    files = {module.__file__ for module in list(sys.modules.values()) if getattr(module, "__file__", None)} - {__file__}
    return sorted(file for file in files if not file.startswith((bundle, brought, sys.base_prefix)))


def compiled():
    """Whether our modules came from the `.pyc` that the bundle brought."""
    return all(Path(module.__cached__).exists() for name, module in sys.modules.items() if name.startswith("chalicelib") and module.__spec__.has_location)


if __name__ == "__main__":
    main(*sys.argv[1:])
