"""Docs that lag fail here: commands that are gone, files that moved, dependencies without a reason."""

import re
from pathlib import Path

import pytest

from infra.functions import WORKERS
from infra.target import ARCHITECTURE, RUNTIME, chosen
from infra.template import additions
from tests.house.sources import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
COMMAND = re.compile(r"\bmake ([a-z]+)\b")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
NAMED = re.compile(r"`([\w./-]+/[\w./-]*\w|[\w-]+\.(?:py|toml|md|txt|in|json))`")
BUILT = ("build/", ".local/", ".venv/")
"""Folders that commands make."""


def commands() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def listed(name: str) -> set[str]:
    """The requirements of a list, without versions and extras."""
    lines = [line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines()]
    return {re.split(r"[<>=\[; ]", line)[0] for line in lines if line and not line.startswith("-r")}


def reasons(heading: str) -> set[str]:
    section = (ROOT / "docs/dependencies.md").read_text().split(f"## {heading}")[1].split("\n## ")[0]
    return set(re.findall(r"^\| ([a-z0-9-]+) \| \S", section, re.MULTILINE)) - {"library", "---"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_only_commands_that_exist(page: Path) -> None:
    fenced = re.findall(r"^```\w*\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    code = " ".join([*fenced, *re.findall(r"`[^`\n]+`|^    .+$", page.read_text(), re.MULTILINE)])
    assert set(COMMAND.findall(code)) <= commands()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_only_files_that_exist(page: Path) -> None:
    text = page.read_text()
    linked = [(page.parent / found).exists() or found for found in LINK.findall(text)]
    named = [_exists(found, page) or found for found in NAMED.findall(text) if _is_ours(found)]
    assert {one for one in [*linked, *named] if one is not True} == set()


def _exists(name: str, page: Path) -> bool:
    """A file by its path from the top, from the library or from the page; a module by its bare name."""
    anywhere = (file.name for part in ("chalicelib", "local", "infra") for file in (ROOT / part).rglob("*.py"))
    return any((start / name).exists() for start in (ROOT, ROOT / "chalicelib", page.parent)) or name in anywhere


def _is_ours(name: str) -> bool:
    """Whether a name in code marks is a path of this repository, and no route, topic or key of a table."""
    first = name.split("/")[0]
    return not name.startswith((*BUILT, "/")) and ((ROOT / first).exists() or name.endswith((".py", ".md", ".toml")))


def test_the_first_screen_of_the_readme_says_both_commands() -> None:
    first = "\n".join((ROOT / "README.md").read_text().splitlines()[:30])
    assert "make run" in first and "make test" in first


def test_help_lists_every_command_that_people_are_to_know() -> None:
    helped = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"help", "run", "fresh", "test", "check", "bench", "package", "deploy"} <= helped


def test_every_library_that_lambda_runs_has_its_reason() -> None:
    assert reasons("What Lambda runs") == listed("requirements-lambda.in")


def test_every_library_that_a_machine_needs_has_its_reason() -> None:
    assert reasons("What a machine needs") == listed("requirements.in")


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-lambda.txt", "requirements-mutants.txt"])
def test_every_requirement_is_locked_by_version_and_hash(name: str) -> None:
    wanted = re.sub(r"\\\n", " ", (ROOT / name).read_text()).splitlines()
    assert not [line for line in wanted if line.strip() and not re.match(r"[\w.-]+==\S+.*--hash=sha256:", line)]


def test_what_lambda_runs_is_what_we_test() -> None:
    def versions(name: str) -> set[str]:
        return set(re.findall(r"^([\w.-]+==\S+)", (ROOT / name).read_text(), re.MULTILINE))

    assert versions("requirements-lambda.txt") <= versions("requirements.txt")


def test_the_deployment_guide_knows_every_setting_and_parameter() -> None:
    guide = (ROOT / "docs/deploy.md").read_text()
    assert f"| `RUNTIME` | `{RUNTIME}`" in guide
    assert f"| `ARCHITECTURE` | `{ARCHITECTURE}`" in guide
    assert not [name for name in additions("prod", chosen())["Parameters"] if f"| `{name}` |" not in guide]
    assert len(WORKERS) == 12 and "twelve queues" in guide


def test_the_licence_is_apache_2() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text and "Version 2.0, January 2004" in text


def test_there_is_a_changelog() -> None:
    assert (ROOT / "CHANGELOG.md").is_file()
