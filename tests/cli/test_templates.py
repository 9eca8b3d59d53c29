"""The example and what `backroom new` writes are one text."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "todo"
TEMPLATES = ROOT / "src" / "backroom" / "templates"
LEFT_BY_A_RUN = {"data", "__pycache__", ".pytest_cache"}
CURE = "edit examples/todo, then run scripts/templates"


def files(folder: Path) -> dict[str, str]:
    found = (path for path in folder.rglob("*") if path.is_file())
    named = {path.relative_to(folder): path for path in found}
    return {name.as_posix(): path.read_text() for name, path in named.items() if not LEFT_BY_A_RUN & set(name.parts) and name.name != ".env"}


def test_the_template_is_the_example_file_by_file() -> None:
    assert files(TEMPLATES / "todo") == files(EXAMPLE), CURE
    assert {"app.py", "test_app.py", "README.md", ".gitignore", ".env.example", "public/index.html"} <= set(files(EXAMPLE))


def test_the_vite_template_has_the_same_page() -> None:
    page, example = files(TEMPLATES / "vite"), files(EXAMPLE / "public")
    assert page["src/main.js"] == example["app.js"], CURE
    assert page["src/api.js"] == example["api.js"], CURE
    assert page["src/style.css"] == example["style.css"], CURE
    moved = example["index.html"].replace('"style.css"', '"/src/style.css"').replace('"app.js"', '"/src/main.js"')
    assert page["index.html"] == moved, CURE
