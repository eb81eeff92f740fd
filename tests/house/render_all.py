"""Run with nothing on the path but an unzipped bundle and what Lambda brings: imports every module, renders every template in every locale.

    python -I -S render_all.py <bundle> <brought by Lambda>

Prints what it did, as JSON. A template's values are stood in for by what the template does with them.
"""

import json
import pkgutil
import sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path


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
        return datetime(2026, 12, 1, 12, 30, tzinfo=UTC)


def main(bundle, brought):
    sys.path[:] = [bundle, brought, *(part for part in sys.path if "site-packages" not in part)]
    modules = [import_module(found.name).__name__ for found in pkgutil.walk_packages([f"{bundle}/chalicelib"], "chalicelib.")]
    import_module("app")
    rendered = render_all(Path(bundle))
    foreign = sorted({file for file in _files() if not file.startswith((bundle, brought, sys.base_prefix))})
    json.dump({"modules": modules, "rendered": rendered, "foreign": foreign, "compiled": _compiled(bundle)}, sys.stdout)


def render_all(root):
    from jinja2 import meta

    from chalicelib.domain.city import parse_city
    from chalicelib.domain.locale import SPOKEN
    from chalicelib.render.environment import Templates

    templates = Templates(root / "templates", city=parse_city((root / "city.toml").read_text("utf-8")), public_url="https://alerts.example.gov")
    environment = templates._environment
    done = {}
    for file in sorted((root / "templates").rglob("*.*")):
        if file.suffix not in {".txt", ".html", ".json"}:
            continue
        name = file.relative_to(root / "templates").as_posix()
        wanted = wants(environment, meta, name)
        done[name] = [len(templates.render(name, locale, {one: Anything(one) for one in wanted})) for locale in SPOKEN]
    return done


def wants(environment, meta, name):
    """What a template and those it includes, extends or imports are to be given."""
    tree = environment.parse(environment.loader.get_source(environment, name)[0])
    wanted = meta.find_undeclared_variables(tree) - environment.globals.keys()
    for other in meta.find_referenced_templates(tree):
        if other:
            wanted |= wants(environment, meta, other)
    return wanted


def _files():
    return [module.__file__ for module in list(sys.modules.values()) if getattr(module, "__file__", None) and module.__name__ != "__main__"]


def _compiled(bundle):
    """Whether our modules came from the `.pyc` that the bundle brought."""
    return all(Path(module.__cached__).exists() for name, module in sys.modules.items() if name.startswith("chalicelib") and module.__spec__.has_location)


main(*sys.argv[1:])
