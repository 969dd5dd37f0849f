"""Holds the package to docs/architecture.md: what imports what, how long, under which name, and by which source."""

from __future__ import annotations

import ast
import importlib
import json
import pkgutil
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

import resnets
from resnets import errors

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "resnets"
FILES = sorted(PACKAGE.rglob("*.py"))
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(resnets.__path__, "resnets.", onerror=lambda _: None)
    if not module.name.endswith(("__main__", ".libresnets"))  # the latter is a plain shared library
)
PAPER_MAP = (ROOT / "docs" / "paper-map.md").read_text(encoding="utf-8")

VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "core"}
FOREIGN = {"torchvision", "timm", "pickle", "dill", "cloudpickle", "joblib"}
PICKLE_CHILD = PACKAGE / "weight_files" / "pickle_child.py"
"""Runs in a process of its own, within limits, and is the only file that may open a pickle."""
LONGEST_FILE = 330
LONGEST_FUNCTION = 60

IMPORT_ALL = f"""
import json, socket, sys

def refuse(*arguments, **options):
    raise AssertionError("an import reached for the network")

socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
import resnets
heavy = [name for name in ("torch", "numpy", "matplotlib", "PIL", "rich") if name in sys.modules]
failed = {{}}
for name in {MODULES!r}:
    try:
        __import__(name)
    except Exception as error:
        failed[name] = repr(error)
print(json.dumps({{"heavy": heavy, "failed": failed, "pyplot": "matplotlib.pyplot" in sys.modules}}))
"""


@cache
def imported() -> dict[str, object]:
    """What one fresh process found: nothing that this one has loaded can hide a side effect."""
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1, f"importing prints: {done.stdout}"
    found: dict[str, object] = json.loads(done.stdout)
    return found


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


class TestImports:
    @pytest.mark.parametrize("module", MODULES)
    def test_every_module_imports(self, module: str) -> None:
        failed = imported()["failed"]
        assert isinstance(failed, dict)
        assert module not in failed, failed[module]

    def test_the_package_itself_loads_nothing_heavy(self) -> None:
        assert imported()["heavy"] == []

    def test_no_module_loads_pyplot_with_its_global_state(self) -> None:
        assert imported()["pyplot"] is False

    def test_contracts_hold(self) -> None:
        command = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
        if command is None:
            pytest.skip("import-linter is not installed beside this Python")
        done = subprocess.run([command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    @pytest.mark.parametrize("path", FILES, ids=place)
    def test_no_foreign_model_library_and_no_pickle(self, path: Path) -> None:
        assert not {name.split(".")[0] for name in imports(path)} & FOREIGN
        for node in ast.walk(tree(path)):
            is_opener = isinstance(node, ast.Attribute) and ast.unparse(node) in ("torch.load", "torch.hub")
            assert not is_opener or path == PICKLE_CHILD, ast.unparse(node)

    def test_the_one_reader_of_pickles_is_restricted_and_never_imported(self) -> None:
        calls = [node for node in ast.walk(tree(PICKLE_CHILD)) if isinstance(node, ast.Call)]
        (opening,) = [call for call in calls if ast.unparse(call.func) == "torch.load"]
        assert "weights_only=True" in map(ast.unparse, opening.keywords)
        assert not [name for name in imports(PICKLE_CHILD) if name.startswith("resnets")]
        for path in FILES:
            named = [alias.name for node in ast.walk(tree(path)) for alias in getattr(node, "names", ()) if node]
            assert not any("pickle_child" in str(name) for name in [*imports(path), *named]), place(path)


class TestFiles:
    def test_are_named_after_what_they_hold(self) -> None:
        vague = [place(path) for path in PACKAGE.rglob("*") if path.stem.strip("_") in VAGUE_NAMES]
        assert vague == []

    @pytest.mark.parametrize("path", FILES, ids=place)
    def test_are_short_and_so_are_their_functions(self, path: Path) -> None:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE
        for function in functions(path):
            assert (function.end_lineno or 0) - function.lineno < LONGEST_FUNCTION, function.name

    @pytest.mark.parametrize("path", FILES, ids=place)
    def test_say_what_they_hold(self, path: Path) -> None:
        assert ast.get_docstring(tree(path))


def forwards(room: str) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Every `forward` of a room with its class."""
    for path in sorted((PACKAGE / room).rglob("*.py")):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ClassDef):
                for item in node.body:
                    if isinstance(item, ast.FunctionDef) and item.name == "forward":
                        yield node.name, item


def is_refusal(node: ast.If) -> bool:
    """Whether an `if` does nothing but raise."""
    return all(isinstance(statement, ast.Raise) for statement in node.body) and not node.orelse


def is_mode(node: ast.AST) -> bool:
    """Whether a fork asks for nothing but the mode, which the caller sets: training or evaluation."""
    return isinstance(node, ast.IfExp | ast.If) and ast.unparse(node.test) == "self.training"


class TestForward:
    @pytest.mark.parametrize("room", ["layers", "models"])
    def test_has_no_forks(self, room: str) -> None:
        forked = [
            f"{owner}.forward, line {node.lineno}"
            for owner, forward in forwards(room)
            if owner != "ReferenceBatchNorm"  # documentation that runs: it shows what each setting means
            for node in ast.walk(forward)
            if isinstance(node, ast.IfExp | ast.Match) or (isinstance(node, ast.If) and not is_refusal(node))
            if not is_mode(node)
        ]
        assert forked == []

    def test_is_found(self) -> None:
        owners = {owner for room in ("layers", "models") for owner, _ in forwards(room)}
        assert {"ResidualBlock", "PreactivationBlock", "PlainBlock", "Network"} <= owners


class TestPublicNames:
    @pytest.mark.parametrize("name", [name for name in resnets.__all__ if name != "__version__"])
    def test_are_there_and_explained(self, name: str) -> None:
        assert (getattr(resnets, name).__doc__ or "").strip()

    @pytest.mark.parametrize("package", [resnets, resnets.spec], ids=lambda package: package.__name__)
    def test_are_those_that_type_checkers_see(self, package: ModuleType) -> None:
        guarded = next(node for node in tree(Path(str(package.__file__))).body if isinstance(node, ast.If))
        seen = {alias.name for node in guarded.body if isinstance(node, ast.ImportFrom) for alias in node.names}
        assert seen == set(package.__all__) - {"__version__"}

    @pytest.mark.parametrize("name", resnets.spec.__all__)
    def test_of_specs_are_there(self, name: str) -> None:
        assert getattr(resnets.spec, name)

    def test_an_unknown_one_is_refused(self) -> None:
        with pytest.raises(AttributeError, match="module 'resnets' has no attribute 'resnet50'"):
            _ = resnets.resnet50


def family(kind: type[errors.ResnetsError]) -> Iterator[type[errors.ResnetsError]]:
    for child in kind.__subclasses__():
        yield child
        yield from family(child)


class TestDocs:
    def test_list_every_error_with_its_exit_code(self) -> None:
        rows = re.findall(
            r"^\| (\d+) \| [^|]* \|([^|]*)\|", (ROOT / "docs/errors.md").read_text(encoding="utf-8"), re.M
        )
        listed = {name: int(code) for code, names in rows for name in re.findall(r"`(\w+)`", names)}
        for module in MODULES:
            importlib.import_module(module)  # an error class may live in any room
        assert listed == {kind.__name__: kind.exit_code for kind in family(errors.ResnetsError)}

    def test_number_decisions_without_gaps(self) -> None:
        numbers = sorted(path.name[:4] for path in (ROOT / "docs/decisions").glob("*.md"))
        assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]

    def test_name_no_place_of_one_machine(self) -> None:
        for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")):
            assert not re.search(r"(?<![\w.])/(home|root|work|tmp|Users)/", path.read_text(encoding="utf-8")), path


BRACKETS = re.compile(r"\[([^\]]+)\]")
AUTHOR_YEAR = re.compile(r"[A-Z][A-Za-z]+ (?:19|20)\d\d[a-z]?")


def cited(path: Path) -> set[str]:
    """Authors and years in brackets, as in [He 2015, section 3.3] or [He 2015b, section 2.2; Glorot 2010]."""
    texts = BRACKETS.findall(path.read_text(encoding="utf-8"))
    return {part for text in texts for part in re.split("[;,] ", text) if AUTHOR_YEAR.fullmatch(part)}


class TestPaperMap:
    bibliography = frozenset(re.findall(r"^- \*\*([^*]+)\*\*:", PAPER_MAP, re.M))
    rows = tuple(re.findall(r"^\| ([^|]+) \| [^|]+ \| ([^|]+) \| ([^|]*)\|$", PAPER_MAP, re.M)[1:])

    def test_holds_every_source_that_is_cited(self) -> None:
        unknown = {place(path): names for path in FILES if (names := cited(path) - self.bibliography)}
        assert unknown == {}

    def test_has_a_row_for_every_entry_and_an_entry_for_every_row(self) -> None:
        mapped = {match[0] for source, _, _ in self.rows if (match := AUTHOR_YEAR.match(source))}
        assert mapped == self.bibliography

    def test_is_not_held_by_a_search_that_finds_nothing(self) -> None:
        assert cited(PACKAGE / "layers" / "initialization.py") == {"He 2015b", "Glorot 2010", "Liu 2022"}
        assert cited(PACKAGE / "models" / "resnet.py") == {"He 2015", "He 2016", "Huang 2016"}

    def test_names_files_and_tests_that_exist(self) -> None:
        for source, files, tests in self.rows:
            for file in re.findall("`([^`]+)`", files):
                assert (PACKAGE / file).is_file(), f"{source}: {file}"
            for file, name in (test.split("::") for test in re.findall("`([^`]+)`", tests)):
                path = ROOT / "tests" / file
                assert path.is_file(), f"{source}: {file}"
                assert re.search(rf"^ *def {name}\(", path.read_text(encoding="utf-8"), re.M), f"{source}: {name}"
