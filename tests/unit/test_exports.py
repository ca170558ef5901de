"""The public face: what `__all__` lists is all there is, in groups, and each name has one home."""

import ast
import importlib
import importlib.util
import inspect
import pkgutil
import re
from types import ModuleType

import pytest

import watchkit

HOMES = (
    *("watchkit", "watchkit.conditions", "watchkit.controllers"),
    *("watchkit.metrics", "watchkit.testing"),
)
PUBLIC = [home for home in HOMES if importlib.util.find_spec(home)]  # some are still to come
FEW = 12  # names that need no groups


def public_names(module: ModuleType) -> set[str]:
    """Give the names that a module defines, or takes from elsewhere in watchkit, for its users."""
    names: set[str] = set()
    for statement in ast.parse(inspect.getsource(module)).body:
        match statement:
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
                names.add(name)
            case ast.Assign([ast.Name(name)]) | ast.AnnAssign(ast.Name(name)):
                names.add(name)
            case ast.ImportFrom(str(origin)) if origin.split(".")[0] == "watchkit":
                names.update(alias.asname or alias.name for alias in statement.names)

    return {name for name in names if not name.startswith("_")}


def kind_and_name(name: str) -> tuple[bool, bool, str]:
    """Order names as imports are: constants, classes, functions, each by the alphabet."""
    return not name.isupper(), not name[0].isupper(), name


@pytest.mark.parametrize("home", PUBLIC)
def test_all_names_what_there_is(home: str) -> None:
    """`__all__` holds every public name of the module, once, and nothing else."""
    module = importlib.import_module(home)

    assert sorted(module.__all__) == sorted(public_names(module))


def test_a_public_name_has_one_home() -> None:
    """No name can be imported from two public modules."""
    names = [name for home in PUBLIC for name in importlib.import_module(home).__all__]

    assert sorted(set(names)) == sorted(names)


def test_no_package_bears_the_name_of_a_public_one() -> None:
    """`from watchkit import watch` can't give a module, whatever was imported before."""
    modules = {module.name for module in pkgutil.iter_modules(watchkit.__path__)}

    assert modules.isdisjoint(watchkit.__all__)


@pytest.mark.parametrize("home", PUBLIC)
def test_public_names_stand_in_groups(home: str) -> None:
    """Each name of `__all__` stands under a comment that says its group, in order within it."""
    module = importlib.import_module(home)
    (listed,) = re.findall(r"__all__[^=\n]*= \[(.*?)\]", inspect.getsource(module), re.DOTALL)
    groups = re.split(r"^ *#.*$", listed, flags=re.MULTILINE)
    alone, *grouped = [re.findall(r'"(\w+)"', group) for group in groups]
    if len(alone) <= FEW and not grouped:
        alone, grouped = [], [alone]

    assert alone == []
    assert grouped == [sorted(group, key=kind_and_name) for group in grouped]
    assert [name for group in grouped for name in group] == list(module.__all__)
