"""What pages are drawn with: `python -m infra.styles <folder>`, called by `infra/styles.sh` once Sass has written `<folder>/residents.css`.

It turns the style's sides into starts and ends, so that one file serves both directions, and puts it beside its images, htmx and the bell in
`templates/static`, each under a name that holds a hash of its bytes. `manifest.json` there says which file is which.
"""

import base64
import hashlib
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
STATIC = HERE.parent / "templates" / "static"

_SIDES = {
    **{f"{box}-{side}": f"{box}-inline-{end}" for box in ("margin", "padding", "border") for side, end in (("left", "start"), ("right", "end"))},
    **{f"border-{side}-{of}": f"border-inline-{end}-{of}" for of in ("color", "width", "style") for side, end in (("left", "start"), ("right", "end"))},
    "left": "inset-inline-start",
    "right": "inset-inline-end",
}
_DECLARATION = re.compile(r"(?<=[{;])([a-z-]+):([^;{}]+)")
_FOUR = re.compile(r"(\S+) (\S+) (\S+) (\S+)")
_URL = re.compile(r'url\("?img/([\w./-]+\.svg)"?\)')
_HASH = 12


def main(arguments: Sequence[str]) -> int:
    """Build from a folder that holds `residents.css` and `node_modules`."""
    [home] = map(Path, arguments)
    modules = home / "node_modules"
    for old in STATIC.glob("*"):
        old.unlink()
    manifest: dict[str, dict[str, str]] = {}
    style = with_images((home / "residents.css").read_text("utf-8"), modules / "@uswds/uswds/dist/img", manifest)
    keep("residents.css", logical(style).encode(), manifest)
    keep("htmx.js", (modules / "htmx.org/dist/htmx.min.js").read_bytes(), manifest)
    keep("bell.svg", (HERE / "styles/bell.svg").read_bytes(), manifest)
    (STATIC / "manifest.json").write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", "utf-8")
    return 0


def logical(style: str) -> str:
    """The style with no left and no right: what was left is where a line starts."""
    return _DECLARATION.sub(lambda found: _turned(found[1], found[2]), style)


def with_images(style: str, images: Path, manifest: dict[str, dict[str, str]]) -> str:
    """The style with the images that it names beside it, under their hashed names."""
    return _URL.sub(lambda found: f'url("{keep(Path(found[1]).name, (images / found[1]).read_bytes(), manifest)}")', style)


def keep(name: str, content: bytes, manifest: dict[str, dict[str, str]]) -> str:
    """Write a file under a name of its content's own, and say so in the manifest. Names in a style come in one spelling."""
    name = re.sub(r"[^a-z0-9.]+", "-", name)
    stem, _, ending = name.rpartition(".")
    hashed = f"{stem}.{hashlib.sha256(content).hexdigest()[:_HASH]}.{ending}"
    (STATIC / hashed).write_bytes(content)
    manifest[name] = {"file": hashed, "integrity": "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode()}
    return hashed


def _turned(name: str, value: str) -> str:
    if name in _SIDES:
        return f"{_SIDES[name]}:{value}"
    if name in {"text-align", "float", "clear"} and value in {"left", "right"}:
        prefix = "inline-" if name != "text-align" else ""
        return f"{name}:{prefix}{'start' if value == 'left' else 'end'}"
    four = _FOUR.fullmatch(value) if name in {"margin", "padding"} else None
    if four and four[2] != four[4]:
        return f"{name}-block:{four[1]} {four[3]};{name}-inline:{four[4]} {four[2]}"
    return f"{name}:{value}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
