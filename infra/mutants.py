"""`make mutants`: every rule that the engine stands on is changed, one place at a time, and a test has to fail for each change.

A copy of the house is changed, never the house itself. What survives has its reason in `docs/mutants.md`; this says which has none there.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / "build" / "mutants"
PAGE = ROOT / "docs" / "mutants.md"
ENOUGH = 0.9
"""The share of changes that tests must notice, in every file."""


@dataclass(frozen=True)
class Round:
    """Files that are changed together, and the tests that have to notice. Quick ones: whatever only a long test would notice has survived."""

    name: str
    files: Sequence[str]
    tests: Sequence[str]


ROUNDS = (
    Round(
        "rules",
        (
            "chalicelib/domain/delivery.py",
            "chalicelib/domain/batch.py",
            "chalicelib/domain/doubt.py",
            "chalicelib/domain/verdict.py",
            "chalicelib/domain/broadcast.py",
            "chalicelib/channels/outcomes.py",
            "chalicelib/channels/twilio_status.py",
            "chalicelib/channels/ses_events.py",
            "chalicelib/domain/sms_parts.py",
            "chalicelib/domain/webhook.py",
            "chalicelib/channels/twilio_signature.py",
            "chalicelib/domain/tokens.py",
            "chalicelib/domain/times.py",
            "chalicelib/domain/quiet.py",
            "chalicelib/domain/pace.py",
        ),
        (
            *(
                f"tests/domain/test_{name}.py"
                for name in ("delivery", "batch", "doubt", "verdict", "approval", "webhook", "tokens", "times", "wall_times", "quiet", "pace")
            ),
            "tests/channels/test_outcomes.py",
            "tests/channels/test_ses_events.py",
            "tests/channels/test_twilio_status.py",
            "tests/channels/test_twilio_signature.py",
            "tests/render/test_sms_parts.py",
            "tests/conversation/test_inbound.py",
        ),
    ),
    Round(
        "wishes",
        ("chalicelib/domain/reception.py", "chalicelib/domain/rhythms.py", "chalicelib/domain/meanwhile.py"),
        tuple(f"tests/domain/test_{name}.py" for name in ("reception", "rhythms", "meanwhile")),
    ),
    Round(
        "flows",
        ("chalicelib/flows/doubts.py", "chalicelib/flows/slots.py", "chalicelib/store/pace.py"),
        tuple(f"tests/engine/test_{name}.py" for name in ("doubts", "senders", "slots", "answers_kept")),
    ),
)

_COPIED = ("app.py", "city.toml", "pyproject.toml", "Makefile", "chalicelib", "local", "infra", "templates", "vendor", "bench", "tests", ".chalice")
_SURVIVED, _UNTESTED = 0, 33
_SETTINGS = """\
[mutmut]
source_paths=chalicelib
only_mutate=
{rules}
also_copy=
{copied}
pytest_add_cli_args=
    -p
    no:randomly
    -p
    no:cacheprovider
    -m
    not deep
pytest_add_cli_args_test_selection=
{tests}
use_git_change_detection=false
track_dependencies=false
"""


@dataclass(frozen=True)
class Score:
    """One file's changes: how many, and the names of those that no test noticed."""

    tree: Path
    file: str
    made: int
    survived: Sequence[str]

    @property
    def share(self) -> float:
        """The share that was noticed."""
        return 1 - len(self.survived) / self.made if self.made else 1.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the copy, change it, report. Returns 0 where enough was noticed in every file."""
    parser = argparse.ArgumentParser(prog="python -m infra.mutants", description="Change every rule and see a test fail for each.")
    parser.add_argument("files", nargs="*", metavar="FILE", help="only these files of chalicelib")
    parser.add_argument("--children", type=int, default=1, help="how many changes are tried at a time")
    asked = parser.parse_args(arguments)
    rounds = [replace(one, files=[file for file in one.files if not asked.files or file in asked.files]) for one in ROUNDS]
    scores = [score for one in rounds if one.files for score in _run(one, asked.children)]
    _report(scores)
    return 0 if scores and all(score.made and score.share >= ENOUGH for score in scores) else 1


def explained(page: str) -> set[tuple[str, str]]:
    """The survivors that the page gives reasons for: the line as it is, and as it was changed."""
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| `")]
    return {(row[0][2:].strip("`").replace("\\|", "|"), row[1].strip("`").replace("\\|", "|")) for row in rows if len(row) >= 3}


def _tool() -> str:
    return str(HOME / "venv" / "bin" / "mutmut")


def _run(round_: Round, children: int) -> list[Score]:
    tree, log = HOME / round_.name, HOME / f"{round_.name}.log"
    _copy(tree, round_)
    _say(f"Changing {len(round_.files)} files, one place at a time; this takes long. The copy is in {tree}, what is said in {log}.")
    with log.open("w") as stream:
        subprocess.run([_tool(), "run", "--max-children", str(children)], cwd=tree, stdout=stream, stderr=stream, check=False)  # noqa: S603 - our own tool
    scores = [_score(tree, file) for file in round_.files]
    if not any(len(score.survived) < score.made for score in scores):
        _say(f"Nothing was noticed at all: do the tests pass before anything is changed? What they said is at the end of {log}.")
    return scores


def _copy(tree: Path, round_: Round) -> None:
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)
    for name in _COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tree / name)
    lines = {"rules": round_.files, "copied": [name for name in _COPIED if name not in {"chalicelib", "tests"}], "tests": round_.tests}
    spelled = {name: "\n".join(f"    {one}" for one in found) for name, found in lines.items()}
    (tree / "setup.cfg").write_text(_SETTINGS.format(**spelled))


# --- reporting -------------------------------------------------------------------------------------------------------


def _score(tree: Path, file: str) -> Score:
    meta = tree / "mutants" / f"{file}.meta"
    codes: Mapping[str, int | None] = json.loads(meta.read_text())["exit_code_by_key"] if meta.exists() else {}
    return Score(tree, file, len(codes), [name for name, code in codes.items() if code in {_SURVIVED, _UNTESTED, None}])


def _report(scores: Sequence[Score]) -> None:
    made, survived = sum(score.made for score in scores), sum(len(score.survived) for score in scores)
    for score in scores:
        _say(f"{score.file:<45} {score.made - len(score.survived):5} of {score.made:5} noticed  {score.share:7.1%}")
    _say(f"{'in all':<45} {made - survived:5} of {made:5} noticed  {1 - survived / max(1, made):7.1%}")
    known = explained(PAGE.read_text("utf-8")) if PAGE.exists() else set()
    counted = Counter(change for score in scores for change in _changes(score))
    unknown = [change for change in counted if change[1:] not in known]
    _say(f"\n{survived} survived, {len(unknown)} of them without a reason in {PAGE.relative_to(ROOT)}")
    for file, old, new in unknown:
        _say(f"\n{file}\n  - {old}\n  + {new}")


def _changes(score: Score) -> Iterator[tuple[str, str, str]]:
    for name in score.survived:
        shown = subprocess.run([_tool(), "show", name], cwd=score.tree, capture_output=True, text=True, check=False).stdout.splitlines()  # noqa: S603
        changed = [[line[1:].strip() for line in shown if line.startswith(sign) and not line.startswith(sign * 3)] for sign in "-+"]
        yield score.file, " ".join(changed[0]), " ".join(changed[1])


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
