"""The template language: one strict Jinja environment for every locale.

What a template can use, beside the values it is given: `city`, `locale`, `dir`, `public_url`, `_`, `ngettext`,
`{% trans %}`, `topic_name(id)`, `area_name(id)`, `static_url(name)`, the names of days, hours and zones (`calendar.py`), and
`format_date`, `format_time`, `format_moment` (an aware moment, in the city's zone unless told another).
Import macros `with context`, or they know no locale. What is included in `{% with chrome = chrome_of("ar") %}` speaks that language.
"""

import gettext as stdlib_gettext
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, pass_context, select_autoescape
from jinja2.runtime import Context

from chalicelib.domain.city import City
from chalicelib.domain.locale import ENGLISH, SPOKEN, best, direction
from chalicelib.domain.topic import in_url
from chalicelib.errors import RenderFailed
from chalicelib.render.calendar import day_names, format_date, format_moment, format_time, hour_name, hour_names, zone_names
from chalicelib.render.catalogues import load
from chalicelib.render.locales import Spoken
from chalicelib.render.statics import Statics

_MISTAKES = (TemplateError, KeyError, TypeError, ValueError, AttributeError)
"""What a wrong template, catalogue or value raises while a template runs."""


@dataclass(frozen=True)
class Chrome:
    """What surrounds an author's words in one locale: its sentences, direction and ways to write dates."""

    locale: str
    sentences: stdlib_gettext.NullTranslations
    babel: Spoken


class Templates:
    """Renders templates of one folder, for one city."""

    def __init__(self, folder: Path, *, city: City, public_url: str) -> None:
        self._folder = folder
        self._chrome: dict[str, Chrome] = {}
        self._environment = _environment(folder)
        self._environment.globals.update(city=city, public_url=public_url, chrome_of=self.chrome, direction=direction)
        statics = Statics(folder / "static")
        self._environment.globals.update(static_url=_static_url(statics), static_integrity=lambda name: statics.of(name).integrity)

    def chrome(self, locale: str) -> Chrome:
        """The chrome for a reader of `locale`: theirs, or the nearest that we speak."""
        spoken = best(locale, SPOKEN) or ENGLISH
        if spoken not in self._chrome:
            self._chrome[spoken] = Chrome(spoken, load(self._folder / "locale", spoken), Spoken.of(spoken))
        return self._chrome[spoken]

    def render(self, name: str, locale: str, values: Mapping[str, object]) -> str:
        """A template filled in. Raises RenderFailed naming the template, never the values."""
        chrome = self.chrome(locale)
        try:
            return self._environment.get_template(name).render({**values, "locale": chrome.locale, "dir": direction(chrome.locale), "chrome": chrome})
        except RenderFailed as failed:
            raise RenderFailed(f"{name}: {failed}") from failed
        except _MISTAKES as error:
            raise RenderFailed(f"{name} in {chrome.locale}: {type(error).__name__}: {error}") from error


def _environment(folder: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        autoescape=select_autoescape(("html", "xml")),
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_callables(_gettext, _ngettext, newstyle=True, pgettext=_pgettext, npgettext=_npgettext)  # type: ignore[attr-defined]
    environment.globals.update(format_date=format_date, format_time=format_time, format_moment=format_moment, topic_name=_topic_name)
    environment.globals.update(area_name=_area_name, day_names=day_names, hour_name=hour_name, hour_names=hour_names, zone_names=zone_names)
    environment.filters["in_url"] = in_url
    return environment


@pass_context
def _gettext(context: Context, message: str) -> str:
    return _of(context).sentences.gettext(message)


@pass_context
def _ngettext(context: Context, one: str, many: str, count: int) -> str:
    return _of(context).sentences.ngettext(one, many, count)


@pass_context
def _pgettext(context: Context, meaning: str, message: str) -> str:
    return _of(context).sentences.pgettext(meaning, message)


@pass_context
def _npgettext(context: Context, meaning: str, one: str, many: str, count: int) -> str:
    return _of(context).sentences.npgettext(meaning, one, many, count)


@pass_context
def _topic_name(context: Context, topic: str) -> str:
    """A topic's name for this reader."""
    names = context["city"].topics[topic].names
    return str(names[best(_of(context).locale, names)])


@pass_context
def _area_name(context: Context, area: str) -> str:
    """An area's name for this reader."""
    names = context["city"].areas[area].names
    return str(names[best(_of(context).locale, names)])


def _static_url(statics: Statics) -> Callable[[Context, str], str]:
    @pass_context
    def static_url(context: Context, name: str) -> str:
        """Where a file that pages are drawn with is served, under a name that changes with its bytes."""
        return f"{context.get('root', context['public_url'])}/static/{statics.of(name).file}"

    return static_url


def _of(context: Context) -> Chrome:
    chrome: Chrome = context["chrome"]
    return chrome
