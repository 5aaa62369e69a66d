"""House rules as programs: where imports point, who names Numba options, how long things get."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

import streamrnn

PACKAGE = Path(streamrnn.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
SOURCES = {str(path.relative_to(PACKAGE)): ast.parse(path.read_text()) for path in FILES}

# A file may import from lower layers only; within a layer, in the order given here.
LAYERS = [
    "_cache _checks _deferred _dispatch _version durable storage",
    "_registry",
    "views atomics parallel cutting",
    "activations lanes.team linalg actions layout workspace columns statistics scaling pages",
    "spill noise roots",
    "cells.protocol heads.protocol losses.protocol optimizers.protocol gradients.protocol",
    "cells heads losses optimizers",
    "motion pacing treatment",
    "jobs",
    "sharing",
    "team",
    "network updates",
    "changes",
    "gradients.sweep",
    "gradients",
    "lags",
    "targets",
    "lanes",
    "learner",
    "initialization growth weights",
    "blueprint backends",
    "soundness",
    "onward",
    "running",
    "model",
    "diagnostics",
    "bank",
    "fleet roster expiry",
    "routing",
    "population",
    "travel",
    "estimators",
    "__init__",
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names.split()}


def _module(path):
    return path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")


def _rank(module):
    for name in (module, module.rpartition(".")[0], module.partition(".")[0]):
        if name in RANK:
            return RANK[name]
    raise AssertionError(f"{module} has no layer: add it to LAYERS")


def _imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                assert not alias.name.startswith("streamrnn"), "spell it: from streamrnn import ..."
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("streamrnn"):
            package = node.module.removeprefix("streamrnn").removeprefix(".")
            for alias in node.names:
                inner = f"{package}.{alias.name}".strip(".")
                exists = any(_module(path) == inner for path in SOURCES)
                yield inner if exists else package


@pytest.mark.parametrize("path", SOURCES)
def test_imports_point_downwards(path):
    own = _rank(_module(path))
    for imported in _imports(SOURCES[path]):
        assert _rank(imported) <= own, f"{path} imports {imported}, which is above it"


@pytest.mark.parametrize("path", SOURCES)
def test_no_cycles_within_a_layer(path):
    seen, todo = set(), [_module(path)]
    while todo:
        for imported in _imports(SOURCES[_file(todo.pop())]):
            assert imported != _module(path), f"{path} imports itself in a circle"
            if imported not in seen:
                seen.add(imported)
                todo.append(imported)


def _file(module):
    name = module.replace(".", "/")
    return f"{name}.py" if f"{name}.py" in SOURCES else f"{name}/__init__.py".lstrip("/")


def test_only_one_file_names_numba_options():
    for path, tree in SOURCES.items():
        if path == "_dispatch.py":
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword):
                assert node.arg not in ("fastmath", "cache", "nogil", "error_model"), path
            if isinstance(node, ast.ImportFrom) and node.module == "numba":
                assert "njit" not in [alias.name for alias in node.names], path


def test_only_the_estimators_import_river():
    for path, tree in SOURCES.items():
        for node in ast.walk(tree):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if any(name.split(".")[0] == "river" for name in names):
                assert path.startswith("estimators/"), path


def test_every_package_is_installed():
    root = PACKAGE.parent
    listed = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    folders = [path.parent.relative_to(root) for path in root.glob("streamrnn/**/__init__.py")]
    folders += [path.parent.relative_to(root) for path in root.glob("cli/**/__init__.py")]
    names = {".".join(path.parts).replace("cli", "streamrnn_cli", 1) for path in folders}
    assert names == set(listed)


def test_every_entry_point_closes_over_the_digest():
    from streamrnn import RNNRegressor
    from streamrnn._dispatch import source_digest
    from streamrnn.backends import cpu

    types, dtype = RNNRegressor()._model._kind
    closure = cpu.run_for(types, dtype).py_func.__closure__
    contents = [str(cell.cell_contents) for cell in closure]
    assert any(text.startswith(f"{source_digest(types)} {dtype} ") for text in contents)
    cached = [path for path in SOURCES if re.search(r"\bentry\(", (PACKAGE / path).read_text())]
    assert cached == ["_dispatch.py", "backends/cpu.py"]


@pytest.mark.parametrize("path", SOURCES)
def test_files_and_functions_are_small(path):
    assert len((PACKAGE / path).read_text().splitlines()) <= 330
    for node in ast.walk(SOURCES[path]):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            length = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            assert length <= 60, f"{path}: {node.name} has {length} lines"


@pytest.mark.parametrize("path", SOURCES)
def test_public_functions_and_classes_are_documented(path):
    for node in SOURCES[path].body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{path}: {node.name}"
