"""The house rules hold in the whole source, and each check of them is able to fail."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests import architecture
from tests.architecture import Module, read_package

ROOT = Path(__file__).parents[1]

# The layers from the bottom up: a unit may import its own layer and what lies below.
LAYERS = (
    ("types", "errors", "settings", "files"),
    ("models", "text", "diffusion", "imaging"),
    ("engines",),
    ("pipeline", "sources", "tracing", "upscaling", "loading", "__init__"),
    ("batching", "storage", "safety", "report", "bulk", "hosting"),
    ("cli", "server", "studio", "cluster", "__main__", "testing"),
)
ALLOWED = {
    unit: {u for layer in LAYERS[: i + 1] for u in layer} for i, units in enumerate(LAYERS) for unit in units
}
ALLOWED["network"] = ALLOWED["models"]
ALLOWED["training"] = ALLOWED["models"] | {"network"}

# The server's own layers, one part each, from the bottom up.
PARTS = (
    "errors",
    "telemetry",
    "access",
    "http",
    "contract",
    "offers",
    "shared",
    "services",
    "drawing",
    "batches",
    "routes",
    "app",
)
ALLOWED_IN_SERVER = {"__init__": set[str]()} | {part: set(PARTS[:i]) for i, part in enumerate(PARTS)}

EXCEPTIONS = {
    "limner.engines.torch": ("network",),
    "limner.cli.data": ("training",),
    "limner.cli.eval": ("training",),
    "limner.cli.export": ("training",),
    "limner.cli.train": ("training",),
    # What is measured is what users get.
    "limner.training.evaluation.run": ("pipeline",),
}

FENCES = {
    "torch": (
        "limner.network",
        "limner.training",
        "limner.engines.devices",
        "limner.engines.room",
        "limner.engines.torch",
        "limner.engines.converted",
        "limner.engines.diffusers",
        "limner.engines.families",
        "limner.engines.graphs",
    ),
    "diffusers": ("limner.engines.diffusers", "limner.engines.families"),
    "transformers": ("limner.engines.diffusers", "limner.engines.families"),
    "openvino": (
        "limner.engines.compiled",
        "limner.engines.converted",
        "limner.engines.graphs",
        "limner.engines.openvino",
        "limner.training.graph",
    ),
    "ray": ("limner.cluster",),
    "obstore": ("limner.storage.bucket",),
    "fastapi": ("limner.server", "limner.studio"),
    "starlette": ("limner.server", "limner.studio"),
    "gradio": ("limner.studio",),
    "alembic": ("limner.storage.database",),
    "psycopg": ("limner.storage.database",),
    "sqlalchemy": ("limner.storage.database", "limner.studio.history"),
    "typer": ("limner.cli",),
    "pytest": ("limner.testing",),
    "opentelemetry": ("limner.server.telemetry",),
    "PIL": ("limner.imaging", "limner.training"),
}

# Files over 500 lines, each with the reason why it is not cut up.
LONG_FILES: Mapping[str, str] = {}

Tree = dict[str, Module]
Write = Callable[[Mapping[str, str]], Tree]


@pytest.fixture(scope="module")
def limner() -> Tree:
    """The source of limner."""
    return read_package(ROOT / "src" / "limner")


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a small package `limner` from file name -> source and reads it back."""

    def write_package(files: Mapping[str, str]) -> Tree:
        for name, source in files.items():
            path = tmp_path / "limner" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source, encoding="utf-8")
        return read_package(tmp_path / "limner")

    return write_package


def test_arrows_point_down(limner: Tree) -> None:
    """A module imports only from its own layer and from those below."""
    assert architecture.arrow_faults(limner, ALLOWED, EXCEPTIONS) == []


def test_an_arrow_that_points_up_is_found(write: Write) -> None:
    """Text that imports an engine is reported with file and line, also from inside a function."""
    found = write({"text/a.py": "def f():\n    from limner.engines import base\n", "engines/base.py": ""})
    assert architecture.arrow_faults(found, ALLOWED, {}) == [
        "limner.text.a:2 must not import limner.engines.base"
    ]


def test_arrows_within_the_server_point_down(limner: Tree) -> None:
    """A part of the server imports only from the parts below it."""
    server = {name: module for name, module in limner.items() if architecture.within(name, "limner.server")}
    assert architecture.arrow_faults(server, ALLOWED_IN_SERVER, {}, depth=2) == []


def test_an_arrow_within_the_server_that_points_up_is_found(write: Write) -> None:
    """Keys that know the services, which hold them, are reported, and so is a part without a place."""
    source = "from limner.server.services import x\n"
    found = write({"server/access/keys.py": source, "server/services.py": "", "server/new.py": ""})
    assert architecture.arrow_faults(found, ALLOWED_IN_SERVER, {}, depth=2) == [
        "limner.server.new: nobody has said what this may import",
        "limner.server.access.keys:1 must not import limner.server.services",
    ]


def test_serving_code_that_imports_training_is_found(write: Write) -> None:
    """An engine may not import training; the command that trains may."""
    source = "from limner.training.loop import fit\n"
    found = write({"engines/x.py": source, "cli/train.py": source, "training/loop.py": ""})
    assert architecture.arrow_faults(found, ALLOWED, EXCEPTIONS) == [
        "limner.engines.x:1 must not import limner.training.loop"
    ]


def test_a_unit_without_a_layer_is_found(write: Write) -> None:
    """A new folder has no place until the layers name it."""
    assert architecture.arrow_faults(write({"utils.py": ""}), ALLOWED, {}) == [
        "limner.utils: nobody has said what this may import"
    ]


def test_relative_imports_are_seen(write: Write) -> None:
    """`from ..engines.base import x` is the same arrow as its absolute form."""
    found = write({"text/__init__.py": "from ..engines.base import x\n", "engines/base.py": ""})
    assert architecture.arrow_faults(found, ALLOWED, {}) == [
        "limner.text:1 must not import limner.engines.base"
    ]


def test_imports_by_name_are_seen(write: Write) -> None:
    """`import_module("...")` with a constant is an import like any other."""
    found = write({"text/a.py": 'import_module("limner.engines.base")\n', "engines/base.py": ""})
    assert len(architecture.arrow_faults(found, ALLOWED, {})) == 1


def test_there_are_no_import_cycles(limner: Tree) -> None:
    """No module, and no folder, comes back to itself along its imports."""
    assert architecture.cycles(limner) == []
    assert architecture.cycles(limner, of_units=True) == []


def test_a_cycle_through_a_function_is_found(write: Write) -> None:
    """Putting an import into a function hides a cycle from Python, not from this check."""
    found = write({"a.py": "import limner.b\n", "b.py": "def f():\n    from limner import a\n"})
    assert architecture.cycles(found) == ["limner.a -> limner.b -> limner.a"]


def test_a_cycle_of_folders_is_found(write: Write) -> None:
    """Two folders that import each other are a cycle even when no two of their files are."""
    found = write(
        {"a/x.py": "import limner.b.x\n", "b/x.py": "", "b/y.py": "import limner.a.z\n", "a/z.py": ""}
    )
    assert architecture.cycles(found) == []
    assert architecture.cycles(found, of_units=True) == ["a -> b -> a"]


def test_an_import_for_types_makes_no_cycle(write: Write) -> None:
    """What stands under TYPE_CHECKING never runs; its else branch does."""
    guarded = "if TYPE_CHECKING:\n    import limner.b\n"
    assert architecture.cycles(write({"a.py": guarded, "b.py": "import limner.a\n"})) == []
    assert len(architecture.cycles(write({"a.py": guarded + "else:\n    import limner.b\n"}))) == 1


def test_libraries_stay_behind_their_fences(limner: Tree) -> None:
    """Each heavy or optional library is imported only where it belongs."""
    assert architecture.fence_faults(limner, FENCES) == []


@pytest.mark.parametrize("library", FENCES)
def test_a_library_outside_its_fence_is_found(write: Write, library: str) -> None:
    """Each fenced library is reported in a module that does not own it."""
    found = write({"text/a.py": f"def f():\n    import {library}.nn as nn\n"})
    assert architecture.fence_faults(found, FENCES) == [f"limner.text.a:2 must not import {library}"]


def test_a_library_inside_its_fence_is_no_fault(write: Write) -> None:
    """An owner may import its library, and a name that only begins alike is another library."""
    found = write({"network/a.py": "import torch\n", "text/a.py": "import torchvision\n"})
    assert architecture.fence_faults(found, FENCES) == []


def test_nothing_that_draws_can_reach_the_scene_composer(limner: Tree) -> None:
    """Pictures come from the model: no way leads from drawing to the code that composes training scenes."""
    beside = ("limner.training", "limner.network", "limner.cli")
    drawing = [name for name in limner if not architecture.within(name, *beside)]
    reached = architecture.reachable(limner, [*drawing, "limner.cli.generate", "limner.cli.trace"])
    assert [name for name in reached if architecture.within(name, "limner.training")] == []


def test_a_hidden_way_to_the_scene_composer_is_found(write: Write) -> None:
    """A module is reached through any number of others, and from inside functions."""
    found = write(
        {"a.py": "def f():\n    import limner.b\n", "b.py": "import limner.c\n", "c.py": "", "d.py": ""}
    )
    assert architecture.reachable(found, ["limner.a"]) == {"limner.a", "limner.b", "limner.c"}


def test_functions_are_short(limner: Tree) -> None:
    """The median function has at most 10 lines, 9 in 10 have at most 30, none has more than 80."""
    assert architecture.function_size_faults(limner, median=10, ninth_decile=30, longest=80) == []


def test_long_functions_are_found(write: Write) -> None:
    """A function over the limit is named; a tree of middling ones breaks the median and the 9 in 10."""
    found = write({"a.py": "def f():\n" + "    x = 1\n" * 40})
    faults = architecture.function_size_faults(found, median=10, ninth_decile=30, longest=40)
    assert len(faults) == 3
    assert faults[0].endswith("f has 41 lines, more than 40")


def test_files_are_short(limner: Tree) -> None:
    """A file over 500 lines has a stated reason."""
    assert architecture.file_size_faults(limner, longest=500, reasons=LONG_FILES) == []


def test_a_long_file_and_an_outdated_reason_are_found(write: Write) -> None:
    """Both a long file without a reason and a reason without a long file are reported."""
    found = write({"a.py": "x = 1\n" * 11})
    faults = architecture.file_size_faults(found, longest=10, reasons={"limner.b": "it was long once"})
    assert faults == ["limner.a has 11 lines, more than 10", "limner.b needs no reason any more"]


def test_the_library_keeps_no_globals_and_neither_prints_nor_exits(limner: Tree) -> None:
    """No `global`, no `print()`; only the command line ends the process."""
    assert architecture.statement_faults(limner, may_exit=("limner.cli", "limner.__main__")) == []


def test_globals_prints_and_exits_are_found(write: Write) -> None:
    """Each of the three is reported, and an exit is none where exiting is allowed."""
    source = "def f():\n    global x\n    print(x)\n    sys.exit(1)\n"
    found = write({"a.py": source, "cli/b.py": "exit(2)\n"})
    faults = architecture.statement_faults(found, may_exit=("limner.cli",))
    assert faults == ["limner.a:2 has a global statement", "limner.a:3 has a print", "limner.a:4 has an exit"]


def test_public_names_are_stated_exactly(limner: Tree) -> None:
    """Each public module's `__all__` has every public class and function, and no name that is not there."""
    assert architecture.all_faults(limner) == []


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("def f(): ...\n", "no __all__"),
        ("def f(): ...\n__all__ = []\n", "__all__ forgets f"),
        ("x = y\n__all__ = ['y']\n", "__all__ names y, which is not there"),
    ],
)
def test_a_wrong_list_of_public_names_is_found(write: Write, source: str, fault: str) -> None:
    """A missing, an incomplete and an invented `__all__` are each reported."""
    assert architecture.all_faults(write({"a.py": source})) == [f"limner.a: {fault}"]


def test_private_and_empty_modules_need_no_list(write: Write) -> None:
    """A module with a leading underscore and one that defines nothing have nothing to state."""
    assert (
        architecture.all_faults(
            write({"_a.py": "def f(): ...\n", "b.py": "from __future__ import annotations\n"})
        )
        == []
    )


def test_every_test_says_what_it_specifies() -> None:
    """Each test function has a docstring."""
    assert architecture.missing_docstrings(read_package(ROOT / "tests")) == []


def test_a_test_without_a_sentence_is_found(write: Write) -> None:
    """A test without a docstring is reported, also as a method."""
    found = write({"test_a.py": "class TestA:\n    def test_x(self): ...\n"})
    assert architecture.missing_docstrings(found) == ["limner.test_a:2 test_x has no docstring"]


def test_importing_limner_loads_nothing_heavy() -> None:
    """A fresh interpreter that imports limner has loaded neither torch nor openvino nor PIL."""
    code = "import limner, sys; print(*sorted({'torch', 'openvino', 'PIL'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.strip() == ""
