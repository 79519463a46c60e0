"""Finding and checking the library, and what the declarations say of it."""

import ctypes
import ctypes.util
import os
import re
import subprocess
import sys

import pytest

import absa
from absa import _core, _declarations, _library

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def imported(**environment):
    """Import the package in a fresh interpreter; return what it printed on standard error."""
    clean = {name: value for name, value in os.environ.items() if name != "ABSA_LIBRARY"}
    done = subprocess.run([sys.executable, "-c", "import absa"], env={**clean, **environment},
                          capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def test_structs_lie_as_the_frozen_layout_says():
    seen = 0
    with open(os.path.join(SOURCE, "tests", "abi", "layout.txt"), encoding="utf-8") as lines:
        for line in lines:
            size = re.match(r"size (\w+) (\d+)$", line)
            if size:
                assert ctypes.sizeof(getattr(_declarations, size[1])) == int(size[2]), line
            offset = re.match(r"offset (\w+)\.(\w+) (\d+)$", line)
            if offset:
                member = getattr(getattr(_declarations, offset[1]), offset[2])
                assert member.offset == int(offset[3]), line
                seen += 1
    assert seen > 200


def test_every_function_of_the_headers_is_declared():
    sys.path.insert(0, os.path.join(SOURCE, "tests", "support"))
    import public
    declared = {**_declarations.FUNCTIONS, **_declarations.REFNET_FUNCTIONS}
    assert sorted(declared) == public.functions(SOURCE)


def test_a_missing_library_is_reported_with_every_place_that_was_tried():
    places = [("bundled", "/nowhere/libabsa.so"), ("the system's loader", "libabsa-of-nobody.so")]
    with pytest.raises(ImportError) as caught:
        _library._first(places)
    for told in ("bundled: ", "/nowhere/libabsa.so", "loader: ", "libabsa-of-nobody.so",
                 "pip install ./bindings/python"):
        assert told in str(caught.value)
    code, text = imported()
    # Where no library is installed on this machine the package says the same of its own places.
    assert not code or "bundled" in text and "the system's loader" in text


def test_a_library_that_was_asked_for_is_not_replaced_by_another(tmp_path):
    code, text = imported(ABSA_LIBRARY=str(tmp_path / "nowhere.so"))
    assert code and "$ABSA_LIBRARY" in text and "nowhere.so" in text


def test_a_library_that_is_another_one_is_refused():
    other = ctypes.util.find_library("m")
    code, text = imported(ABSA_LIBRARY=other)
    assert code and "is not libabsa" in text


@pytest.mark.parametrize("abi, version", [(1, 1000), (0, 999)])
def test_another_abi_or_an_older_release_is_refused(abi, version):
    class Fake:
        absa_abi_version = staticmethod(lambda: abi)
        absa_version = staticmethod(lambda: version)
    Fake.absa_abi_version.restype = Fake.absa_version.restype = None
    with pytest.raises(ImportError, match="this package needs ABI 0"):
        _library._fits(Fake, "other.so")


def test_a_struct_of_another_size_is_refused(monkeypatch):
    class absa_space(ctypes.Structure):
        _fields_ = _declarations.absa_space._fields_[:2]
    monkeypatch.setattr(_declarations, "absa_space", absa_space)
    with pytest.raises((ImportError, ctypes.ArgumentError)):
        _library._sizes(_core.lib)


@pytest.mark.parametrize("spoil", [
    lambda made, size: setattr(made, "struct_size", size - 8),
    lambda made, size: ctypes.memset(ctypes.addressof(made), 0, size + 8)
    and setattr(made, "struct_size", size)], ids=["another size", "written behind it"])
def test_a_struct_that_is_filled_otherwise_is_refused(spoil):
    class Fake:
        def __getattr__(self, name):
            return spoil if name == "absa_plan_init" else getattr(_core.lib, name)
    _library._sizes(_core.lib)
    with pytest.raises(ImportError, match="absa_plan_init"):
        _library._sizes(Fake())


def test_a_library_that_lacks_a_function_is_refused():
    with pytest.raises(ImportError, match="other.so is not the library of this release: it has no"):
        _library._declare(ctypes.CDLL(None), {"absa_none": (None, [])}, "other.so")


def test_words_of_enums_are_taken_in_any_case_and_nothing_else():
    assert _core.number("absa_rule", "CERTIFIED") == _core.number("absa_rule", 2) == 2
    for wrong in ("certain", 77, None, True, 1.5):
        with pytest.raises(ValueError, match="is none of checked, residual"):
            _core.number("absa_rule", wrong)


def test_the_log_arrives_and_its_exceptions_come_out():
    lines = []
    context = absa.Context(log=lambda level, text: lines.append((level, text)), level="info")
    _core.lib.absa_context_log(context.handle, 2, b"hello")
    assert lines == [("info", "hello")]

    def broken(level, text):
        raise KeyboardInterrupt
    context = absa.Context(log=broken)
    _core.lib.absa_context_log(context.handle, 1, b"hello")
    with pytest.raises(KeyboardInterrupt):
        context.check(0)
    context.check(0)
