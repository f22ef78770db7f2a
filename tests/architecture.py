"""The rules of the house, as functions from source code to the list of places that break them.

Nothing is imported: modules are read with `ast`. Imports inside functions count like those at the top of a
module; those under `if TYPE_CHECKING` count as arrows and for the fences, but cannot make a cycle.

A *unit* is what stands directly below the package: a folder (`text`), a file (`types`), or `__init__`. At depth 2 it
is what stands directly below such a folder.
"""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "Import",
    "Module",
    "all_faults",
    "arrow_faults",
    "cycles",
    "fence_faults",
    "file_size_faults",
    "function_size_faults",
    "imports_of",
    "missing_docstrings",
    "reachable",
    "read_package",
    "statement_faults",
    "unit_of",
    "within",
]

Function = ast.FunctionDef | ast.AsyncFunctionDef
Importing = ast.Import | ast.ImportFrom | ast.Call


@dataclass(frozen=True, kw_only=True, slots=True)
class Module:
    """One source file: its dotted name, where it lies and what it says."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def is_package(self) -> bool:
        """Whether this is the `__init__` of a folder."""
        return self.path.name == "__init__.py"


@dataclass(frozen=True, kw_only=True, slots=True)
class Import:
    """One name that a module imports.

    Attributes:
        target: the dotted name of a module, or of something in a module outside the package.
        line: where.
        for_types: it stands under `if TYPE_CHECKING`.
    """

    target: str
    line: int
    for_types: bool = False


def read_package(folder: Path) -> dict[str, Module]:
    """Every module of the package in `folder`, by dotted name."""
    modules = {}
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        modules[name] = Module(name=name, path=path, tree=ast.parse(path.read_text(encoding="utf-8")))
    return modules


def within(name: str, *owners: str) -> bool:
    """Whether the dotted `name` is one of `owners` or lies inside one."""
    return any(name == owner or name.startswith(f"{owner}.") for owner in owners)


def unit_of(name: str, depth: int = 1) -> str:
    """`limner.text.encoder` -> `text`, at depth 2 `encoder`; the package itself -> `__init__`."""
    parts = name.split(".")
    return parts[depth] if len(parts) > depth else "__init__"


def imports_of(module: Module, modules: Mapping[str, Module]) -> list[Import]:
    """What `module` imports; `from a import b` is the module a.b if there is one, else the module a."""
    return [
        Import(target=target, line=node.lineno, for_types=for_types)
        for node, for_types in _importing(module.tree)
        for target in _targets(node, module, modules)
    ]


def _importing(node: ast.AST, *, for_types: bool = False) -> Iterator[tuple[Importing, bool]]:
    if isinstance(node, Importing):
        yield node, for_types
    guard = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    otherwise = node.orelse if isinstance(node, ast.If) else []
    for child in ast.iter_child_nodes(node):
        yield from _importing(child, for_types=for_types or (guard and child not in otherwise))


def _targets(node: Importing, module: Module, modules: Mapping[str, Module]) -> list[str]:
    match node:
        case ast.Import():
            return [alias.name for alias in node.names]
        case ast.ImportFrom():
            origin = _origin(node, module)
            joined = [f"{origin}.{alias.name}" for alias in node.names]
            return [name if name in modules else origin for name in joined]
        case ast.Call(args=[ast.Constant(value=str(name)), *_]):
            called = ast.unparse(node.func).rpartition(".")[2]
            return [name] if called in ("import_module", "__import__") else []
    return []


def _origin(node: ast.ImportFrom, module: Module) -> str:
    if node.level == 0:
        return node.module or ""
    parts = module.name.split(".")
    parts = parts[: len(parts) - node.level + module.is_package]
    return ".".join([*parts, *([node.module] if node.module else [])])


def arrow_faults(
    modules: Mapping[str, Module],
    allowed: Mapping[str, Iterable[str]],
    exceptions: Mapping[str, Iterable[str]],
    *,
    depth: int = 1,
) -> list[str]:
    """Imports of a unit that the importing unit may not know.

    Args:
        modules: the package, or one of its folders; imports from elsewhere are not looked at.
        allowed: unit -> the units that it may import; a unit that is not a key is a fault itself.
        exceptions: module -> units that this one module may import besides.
        depth: how far below the package units stand.
    """
    faults = [
        f"{name}: nobody has said what this may import"
        for name in modules
        if unit_of(name, depth) not in allowed
    ]
    for name, module in modules.items():
        unit = unit_of(name, depth)
        may = {unit, *allowed.get(unit, ()), *exceptions.get(name, ())}
        faults += [
            f"{name}:{found.line} must not import {found.target}"
            for found in imports_of(module, modules)
            if found.target in modules and unit_of(found.target, depth) not in may
        ]
    return faults


def fence_faults(modules: Mapping[str, Module], fences: Mapping[str, Sequence[str]]) -> list[str]:
    """Imports of a library outside the places that own it; `fences` maps a library to its owners."""
    return [
        f"{name}:{found.line} must not import {library}"
        for name, module in modules.items()
        for found in imports_of(module, modules)
        for library, owners in fences.items()
        if within(found.target, library) and not within(name, *owners)
    ]


def _graph(modules: Mapping[str, Module]) -> dict[str, set[str]]:
    return {
        name: {found.target for found in imports_of(module, modules) if not found.for_types}
        & set(modules) - {name}
        for name, module in modules.items()
    }


def reachable(modules: Mapping[str, Module], roots: Iterable[str]) -> set[str]:
    """The modules that any of `roots` can come to import, itself included."""
    graph = _graph(modules)
    seen: set[str] = set()
    waiting = [root for root in roots if root in graph]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += graph[name]
    return seen


def cycles(modules: Mapping[str, Module], *, of_units: bool = False) -> list[str]:
    """Import cycles among the modules, or among the units, each as `a -> b -> a`."""
    graph = _graph(modules)
    if of_units:
        units: dict[str, set[str]] = {unit_of(name): set() for name in graph}
        for name, targets in graph.items():
            units[unit_of(name)] |= {unit_of(target) for target in targets} - {unit_of(name)}
        graph = units
    found = (_path_back(graph, start) for start in sorted(graph))
    return [" -> ".join(path) for path in found if path and path[0] == min(path)]


def _path_back(graph: Mapping[str, set[str]], start: str) -> list[str]:
    """The shortest way from `start` along the arrows to itself; empty if there is none."""
    ways = [[start]]
    seen: set[str] = set()
    for way in ways:
        for target in sorted(graph[way[-1]]):
            if target == start:
                return [*way, start]
            if target not in seen:
                seen.add(target)
                ways.append([*way, target])
    return []


def _functions(module: Module) -> list[Function]:
    return [node for node in ast.walk(module.tree) if isinstance(node, Function)]


def _lines(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def function_size_faults(
    modules: Mapping[str, Module], *, median: int, ninth_decile: int, longest: int
) -> list[str]:
    """Where functions are longer than the house allows; docstrings count, decorators do not."""
    named = [(_lines(f), f"{m.path}:{f.lineno} {f.name}") for m in modules.values() for f in _functions(m)]
    sizes = sorted(size for size, _ in named)
    if not sizes:
        return []
    faults = [f"{where} has {size} lines, more than {longest}" for size, where in named if size > longest]
    if statistics.median(sizes) > median:
        faults.append(f"the median function has {statistics.median(sizes)} lines, more than {median}")
    if sizes[int(0.9 * (len(sizes) - 1))] > ninth_decile:
        faults.append(f"fewer than 9 in 10 functions have at most {ninth_decile} lines")
    return faults


def file_size_faults(modules: Mapping[str, Module], *, longest: int, reasons: Mapping[str, str]) -> list[str]:
    """Files above `longest` lines without a reason (`reasons`: module -> why), and reasons without need."""
    sizes = {name: len(m.path.read_text(encoding="utf-8").splitlines()) for name, m in modules.items()}
    too_long = {name for name, size in sizes.items() if size > longest}
    return [
        f"{name} has {sizes[name]} lines, more than {longest}" for name in sorted(too_long - set(reasons))
    ] + [f"{name} needs no reason any more" for name in sorted(set(reasons) - too_long)]


def statement_faults(modules: Mapping[str, Module], *, may_exit: Sequence[str] = ()) -> list[str]:
    """Statements that a library does not make: `global`, `print(...)`, and exits outside `may_exit`."""
    return [
        f"{name}:{node.lineno} has {fault}"
        for name, module in modules.items()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Global | ast.Call) and (fault := _statement_fault(node))
        if fault != "an exit" or not within(name, *may_exit)
    ]


def _statement_fault(node: ast.Global | ast.Call) -> str:
    if isinstance(node, ast.Global):
        return "a global statement"
    called = ast.unparse(node.func)
    if called == "print":
        return "a print"
    return "an exit" if called in ("exit", "quit", "sys.exit", "os._exit") else ""


def all_faults(modules: Mapping[str, Module]) -> list[str]:
    """Public modules whose `__all__` is missing, names what is not there, or forgets a class or function."""
    public = {name: m for name, m in modules.items() if not any(p.startswith("_") for p in name.split("."))}
    return [f"{name}: {fault}" for name, m in public.items() for fault in _all_faults_of(m.tree)]


def _all_faults_of(tree: ast.Module) -> list[str]:
    statements = list(_top_level(tree))
    stated = _stated_all(statements)
    defined = {name for statement in statements for name in _defined(statement)} - {"annotations"}
    if stated is None:
        return ["no __all__"] if defined else []
    public = {
        s.name for s in statements if isinstance(s, Function | ast.ClassDef) and not s.name.startswith("_")
    }
    return [f"__all__ names {name}, which is not there" for name in sorted(stated - defined)] + [
        f"__all__ forgets {name}" for name in sorted(public - stated)
    ]


def _top_level(node: ast.Module | ast.If | ast.Try) -> Iterator[ast.stmt]:
    for statement in ast.iter_child_nodes(node):
        if isinstance(statement, ast.If | ast.Try):
            yield from _top_level(statement)
        elif isinstance(statement, ast.stmt):
            yield statement


def _stated_all(statements: Iterable[ast.stmt]) -> set[str] | None:
    for statement in statements:
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id="__all__")], value=ast.expr() as value)
                | ast.AnnAssign(target=ast.Name(id="__all__"), value=ast.expr() as value)
            ):
                return set(ast.literal_eval(value))
    return None


def _defined(statement: ast.stmt) -> list[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return [alias.asname or alias.name.partition(".")[0] for alias in names]
        case ast.Assign() | ast.AnnAssign():
            return [
                n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
            ]
    return []


def missing_docstrings(tests: Mapping[str, Module]) -> list[str]:
    """Tests without the sentence that says what they specify."""
    return [
        f"{name}:{function.lineno} {function.name} has no docstring"
        for name, module in tests.items()
        for function in _functions(module)
        if function.name.startswith("test_") and not ast.get_docstring(function)
    ]
