"""The registry: which plug-ins exist, and the one place that loads them, by string.

The folder is the registry: a module in `upstreams/` is a model family, one in `downstreams/` a head, one in
`harness/corpora/` a corpus, and so on; a leading underscore hides a helper. Third parties join by entry
points in the groups `emoharness.<kind>`; a taken name is an error. Nothing is imported until it is asked for.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import pkgutil
import sys
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from harness.errors import HarnessError, PluginError, UnknownNameError, did_you_mean

PACKAGES = {
    "upstreams": "upstreams",
    "objectives": "upstreams.objectives",
    "texts": "upstreams.texts",
    "downstreams": "downstreams",
    "corpora": "harness.corpora",
    "tasks": "harness.tasks",
    "splits": "harness.splits",
    "metrics": "harness.metrics",
}
"""kind of plug-in -> the package whose modules are the built-in ones."""

SINGULAR = {
    "upstreams": "upstream family",
    "objectives": "objective of pre-training",
    "texts": "family of text encoders",
    "downstreams": "head",
    "corpora": "corpus",
    "tasks": "task",
    "splits": "protocol",
    "metrics": "metric",
}


def _package_folder(package: str) -> Path:
    """The folder of one of our packages, and proof that no stray folder of the same name hides it."""
    home = Path(__file__).resolve().parent.parent
    expected = home.joinpath(*package.split("."))
    if "." in package:
        return expected
    spec = importlib.util.find_spec(package)
    found = Path(spec.origin).resolve().parent if spec and spec.origin else None
    if found != expected:
        raise PluginError(
            f"a folder called {package} shadows the harness's own",
            got=f"{package} is imported from {found}",
            wanted=f"{expected}, beside the harness",
            next_step=f"run from another folder, or rename {found}",
        )
    return expected


def _built_in(kind: str) -> set[str]:
    folder = _package_folder(PACKAGES[kind])
    found = {module.name for module in pkgutil.iter_modules([str(folder)]) if not module.name.startswith("_")}
    return {name for name in found if f"{PACKAGES[kind]}.{name}" not in PACKAGES.values()}


def _entry_points(group: str) -> tuple[EntryPoint, ...]:
    """Entry points of a group; looked up once per search path, for reading all metadata takes 30 ms."""
    return _entry_points_on(group, tuple(sys.path))


@cache
def _entry_points_on(
    group: str,
    search_path: tuple[str, ...],  # noqa: ARG001  the key of the cache
) -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=group))


def _third_party(kind: str) -> dict[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for point in _entry_points(f"emoharness.{kind}"):
        if point.name in found and point.value != found[point.name].value:
            raise PluginError(
                f"two packages offer a {SINGULAR[kind]} called {point.name}",
                got=f"{found[point.name].value} and {point.value}",
                wanted="one name, one plug-in",
                next_step="uninstall one of the two packages",
            )
        found[point.name] = point
    return found


def names(kind: str) -> list[str]:
    """All registered names of a kind, sorted.

    Raises:
        PluginError: a third-party plug-in takes the name of a built-in one.
    """
    built_in, joined = _built_in(kind), _third_party(kind)
    for taken in built_in & set(joined):
        raise PluginError(
            f"the name {taken} of a third-party {SINGULAR[kind]} is taken",
            got=joined[taken].value,
            wanted=f"a name other than the built-in {PACKAGES[kind]}.{taken}",
            next_step="rename the entry point, or uninstall that package",
        )
    return sorted(built_in | set(joined))


def load(kind: str, name: str) -> ModuleType:
    """Import the plug-in of that name.

    Raises:
        UnknownNameError: nothing of that name is registered; the message offers near names.
        PluginError: it is registered and cannot be imported.
    """
    known = names(kind)
    if name not in known:
        raise UnknownNameError(
            f"there is no {SINGULAR[kind]} called {name}",
            got=name,
            wanted=did_you_mean(name, known),
            next_step="python -m harness list",
        )
    target = module_name(kind, name)
    try:
        return importlib.import_module(target)
    except HarnessError:
        raise
    except Exception as fault:
        raise PluginError(
            f"the {SINGULAR[kind]} {name} cannot be imported",
            got=f"{type(fault).__name__}: {fault}",
            wanted=f"an importable module {target}",
            next_step="install what the message names, or uninstall the plug-in",
        ) from fault


def module_name(kind: str, name: str) -> str:
    """Dotted name of a plug-in's module, which need not exist."""
    point = _third_party(kind).get(name)
    return point.value if point else f"{PACKAGES[kind]}.{name}"


def third_party_recipe_folders() -> list[Path]:
    """Folders of YAML that installed plug-ins add to the recipes (entry points `emoharness.recipes`)."""
    folders = []
    for point in sorted(_entry_points("emoharness.recipes"), key=lambda point: point.name):
        spec = importlib.util.find_spec(point.value)
        if spec is None or not spec.submodule_search_locations:
            raise PluginError(
                f"the plug-in {point.name} names a recipe folder that is not there",
                got=point.value,
                wanted="a package of YAML files",
                next_step="reinstall or uninstall that plug-in",
            )
        folders += [Path(location) for location in spec.submodule_search_locations]
    return folders


def source(kind: str, name: str) -> Path | None:
    """The file of a plug-in, found without importing it; None where there is none to be seen."""
    folder = _package_folder(PACKAGES[kind])
    if name in _built_in(kind):
        return next(
            (path for path in (folder / f"{name}.py", folder / name / "__init__.py") if path.is_file()), None
        )
    spec = importlib.util.find_spec(module_name(kind, name))
    return Path(spec.origin) if spec and spec.origin else None


def summary(kind: str, name: str) -> str:
    """First paragraph of a plug-in's docstring, read without importing it."""
    path = source(kind, name)
    doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) if path else None
    return (doc or "").split("\n\n")[0].replace("\n", " ")


def literal(kind: str, name: str, constant: str) -> object | None:
    """The plain value that a plug-in's source gives to a constant, read without importing it; None without one.

    Raises:
        PluginError: it is more than a literal.
    """
    path = source(kind, name)
    tree = ast.parse(path.read_text(encoding="utf-8")) if path else ast.Module([], [])
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == constant for target in targets):
            return _plain(node, f"{constant} of the {SINGULAR[kind]} {name}")
    return None


def _plain(node: ast.stmt, what: str) -> object:
    try:
        value: object = ast.literal_eval(getattr(node, "value", None) or ast.Constant(None))
    except ValueError as fault:
        raise PluginError(
            f"{what} is more than plain data",
            got=ast.unparse(node)[:120],
            wanted="numbers, texts, lists and mappings, written out",
            next_step="write the values out, so that they can be read without importing the module",
        ) from fault
    return value


def code_version(module: ModuleType) -> str:
    """A hash of what a plug-in's code does: its syntax tree and its helpers', without comments or docstrings.

    It names stores and recorded cells, so that a changed front end or head is never served from old results.
    """
    digest = hashlib.sha256()
    for path in sorted(_sources(Path(str(module.__file__)), set())):
        digest.update(path.name.encode())
        digest.update(ast.dump(_without_docstrings(ast.parse(path.read_text(encoding="utf-8")))).encode())
    return digest.hexdigest()[:16]


def _sources(path: Path, seen: set[Path]) -> set[Path]:
    """A plug-in's file and, through its imports, the underscore helpers in its own folder."""
    if path in seen:
        return seen
    seen.add(path)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        for helper in _helpers_named(node, path.parent):
            _sources(helper, seen)
    return seen


def _helpers_named(node: ast.AST, folder: Path) -> list[Path]:
    if isinstance(node, ast.ImportFrom):
        dotted = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
    elif isinstance(node, ast.Import):
        dotted = [alias.name for alias in node.names]
    else:
        return []
    leaves = {name.rsplit(".", 1)[-1] for name in dotted}
    return [
        folder / f"{leaf}.py" for leaf in leaves if leaf.startswith("_") and (folder / f"{leaf}.py").is_file()
    ]


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [
                line
                for line in node.body
                if not (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))
            ]
    return tree
