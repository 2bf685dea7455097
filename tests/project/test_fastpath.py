"""What the compiled code promises in its signatures: error contracts, no Python, a .pxd for each .pyx."""

from __future__ import annotations

import re

from tests.project.source import ROOT, Function, code, functions

# These run while the engine's thread is without the GIL: every C function in them says so.
HOT = ("codec", "engine", "proxy", "shm")

# "file function" -> why it may raise, or may hold the GIL.
MAY_TAKE_THE_GIL: dict[str, str] = {}

CONTRACT = re.compile(r"\)\s*(?:noexcept|except\b)")


def c_functions() -> list[Function]:
    found = [function for path in code("mosn") if "_fastpath" in path.parts for function in functions(path)]
    return [function for function in found if function.kind in ("cdef", "cpdef") and "__" not in function.name]


def is_method(function: Function) -> bool:
    """A method of an extension type: those are called with the GIL and return objects or raise."""
    return "self" in function.signature


OBJECT = re.compile(r"(?:cdef|cpdef)\s+(?:inline\s+)?(?:object|bytes|str|dict|list|tuple|\w+\()")


def states_its_contract(function: Function) -> bool:
    """A function that returns a Python object raises by returning NULL, and a method is called with the GIL anyway."""
    return bool(CONTRACT.search(function.signature) or OBJECT.match(function.signature) or is_method(function))


def test_every_c_function_says_how_it_fails() -> None:
    missing = [function.place for function in c_functions() if not states_its_contract(function)]
    assert not missing, "noexcept, except -1 or except NULL is missing:\n" + "\n".join(missing)


def test_hot_functions_run_without_the_gil() -> None:
    holding = [
        function.place
        for function in c_functions()
        if function.path.relative_to(ROOT).parts[2] in HOT
        and not is_method(function)
        and "noexcept" in function.signature
        and "nogil" not in function.signature
        and f"{function.path.relative_to(ROOT)} {function.name}" not in MAY_TAKE_THE_GIL
    ]
    assert not holding, "nogil is missing:\n" + "\n".join(holding)


def test_every_module_has_its_declarations() -> None:
    """A .pxd for other compiled code; a module that only Python sees has its .pyi."""
    sources = code("mosn", suffixes=(".pyx",))
    declared = [path for path in sources if path.with_suffix(".pxd").exists() or path.with_suffix(".pyi").exists()]
    assert [str(path.relative_to(ROOT)) for path in sources if path not in declared] == []


def test_codecs_do_no_input_or_output() -> None:
    """No system call and no clock in a codec; its face for tests may measure."""
    banned = re.compile(r"^\s*(?:from|c?import)\s+(?:posix|socket|time|os|libc\.time|libc\.stdio)\b", re.MULTILINE)
    paths = [path for path in code("mosn", suffixes=(".pyx", ".pxd")) if path.parent.name == "codec"]
    paths = [path for path in paths if not path.stem.endswith(("_face", "_timing"))]
    assert paths
    assert not [str(path.relative_to(ROOT)) for path in paths if banned.search(path.read_text())]
