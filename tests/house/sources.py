"""The house's sources, read and never run: which module imports what, and where."""

import ast
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Import:
    """One thing a module imports: its dotted name, the line, whether a function does it, and whether it is for type checkers alone."""

    name: str
    line: int
    inside: bool
    for_types: bool


@dataclass(frozen=True)
class Module:
    """A source file and its dotted name."""

    name: str
    tree: ast.Module

    @property
    def part(self) -> str:
        """The part of the house: `domain`, `flows`, …; `errors`, `settings`, `wiring` and `app` are parts of their own."""
        names = self.name.split(".")
        return names[1] if len(names) > 1 else names[0]

    @property
    def imports(self) -> list[Import]:
        return [found for node in self.tree.body for found in _imports(node, inside=False, for_types=False)]


def module(name: str, text: str) -> Module:
    return Module(name, ast.parse(text))


def shipped() -> list[Module]:
    """Everything that Lambda runs."""
    files = sorted((ROOT / "chalicelib").rglob("*.py"))
    named = {".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file for file in files}
    return [module(name, file.read_text("utf-8")) for name, file in {**named, "app": ROOT / "app.py"}.items()]


def _imports(node: ast.AST, *, inside: bool, for_types: bool) -> list[Import]:
    if isinstance(node, ast.Import):
        return [Import(alias.name, node.lineno, inside, for_types) for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert not node.level, f"a relative import at line {node.lineno}"
        return [Import(f"{node.module}.{alias.name}", node.lineno, inside, for_types) for alias in node.names]
    within = inside or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    types = for_types or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
    return [found for child in ast.iter_child_nodes(node) for found in _imports(child, inside=within, for_types=types)]
