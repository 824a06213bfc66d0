"""What docstrings name exists: a rename that forgot its docstring fails here."""

from __future__ import annotations

import ast
import builtins
import re
from functools import cache
from pathlib import Path
from typing import Final, TypeAlias

import bwp_tui

_Documented: TypeAlias = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef

_ROOT: Final = Path(bwp_tui.__file__).parent
_LARGE: Final = 6


@cache
def _trees() -> dict[Path, ast.Module]:
    """Parse every module of the program."""
    return {path: ast.parse(path.read_text("utf-8")) for path in sorted(_ROOT.rglob("*.py"))}


def _documented() -> list[tuple[str, _Documented, str]]:
    """Return every class and function that has a docstring, with its place and the docstring."""
    return [
        (f"{path.relative_to(_ROOT)}:{node.lineno}", node, text)
        for path, tree in _trees().items()
        for node in ast.walk(tree)
        if isinstance(node, _Documented) and (text := ast.get_docstring(node)) is not None
    ]


def _named(section: str, docstring: str) -> list[str]:
    """Return the names that a section of a docstring begins its entries with."""
    found = re.search(rf"^{section}:\n((?:    .*\n?)+)", docstring, re.MULTILINE)
    entries = re.findall(r"^    ([\w.]+(?:, [\w.]+)*): ", found[1], re.MULTILINE) if found else []
    return [name for entry in entries for name in entry.split(", ")]


def _names_in(node: _Documented) -> set[str]:
    """Return the names that the code of a class or function has."""
    names: set[str] = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.arg):
            names.add(inner.arg)
        elif isinstance(inner, ast.Name):
            names.add(inner.id)
        elif isinstance(inner, ast.Attribute):
            names.add(inner.attr)
        elif isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(inner.name)
    return names


def test_attributes_and_arguments_that_docstrings_name_exist() -> None:
    documented = [
        (place, node, name)
        for place, node, text in _documented()
        for name in (*_named("Attributes", text), *_named("Args", text))
    ]
    assert documented
    assert not [f"{place} {name}" for place, node, name in documented if name not in _names_in(node)]


def test_packages_of_six_or_more_modules_have_a_map_that_names_each() -> None:
    packages = {path.parent: tree for path, tree in _trees().items() if path.name == "__init__.py"}
    maps = {
        folder: {name for entry in entries for name in re.findall(r"`(\w+)`", entry)}
        for folder, tree in packages.items()
        if (entries := re.findall(r"^- (.*?):", ast.get_docstring(tree) or "", re.MULTILINE))
    }
    modules = {
        folder: {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
        for folder in packages
    }
    assert maps.keys() >= {folder for folder in packages if len(modules[folder] - {"__init__"}) >= _LARGE}
    assert not {str(folder): unknown for folder in maps if (unknown := maps[folder] - modules[folder])}
    complete = maps.keys() - {_ROOT / "cli" / "commands"}  # a module there has the name of its command
    assert not {str(folder): left for folder in complete if (left := modules[folder] - maps[folder] - {"__init__"})}


def test_errors_that_docstrings_name_exist() -> None:
    raised = [(place, name) for place, _, text in _documented() for name in _named("Raises", text)]
    assert raised
    classes = {node.name for tree in _trees().values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    known = classes.union(dir(builtins))
    unknown = [(place, name) for place, name in raised if "." not in name and name not in known]
    assert not unknown
