"""Find libabsa, load it and declare its functions: whatever $ABSA_LIBRARY names, or else the copy
bundled in the package, or else what the system's loader finds. libabsa-refnet, which has the
reference network, is loaded when absa.refnet or absa.refdata is imported."""

import ctypes
import os
import sys

from . import _declarations as declared

VERSION = (declared.ABSA_VERSION_MAJOR * 1000000 + declared.ABSA_VERSION_MINOR * 1000
           + declared.ABSA_VERSION_PATCH)
BUNDLED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_lib")


def file_name(name):
    """Return what the loader knows a library by."""
    if sys.platform == "darwin":
        return f"lib{name}.{declared.ABSA_ABI_VERSION}.dylib"
    return f"lib{name}.so.{declared.ABSA_ABI_VERSION}"


def _first(places, name="libabsa", advice="Set ABSA_LIBRARY to the file, or install the package "
           "with its own copy: pip install ./bindings/python"):
    """Return the first library of [(what the place is, path)] that loads."""
    tried = []
    for what, path in places:
        try:
            return ctypes.CDLL(path), path
        except OSError as error:
            tried.append(f"  {what}: {error}")
    raise ImportError(f"{name} was not found. Tried\n" + "\n".join(tried) + "\n" + advice)


def _declare(library, functions, path):
    for name, (result, arguments) in functions.items():
        try:
            function = getattr(library, name)
        except AttributeError:
            raise ImportError(f"{path} is not the library of this release: it has no {name}()"
                              ) from None
        function.restype, function.argtypes = result, arguments


def _fits(library, path):
    """Raise unless the library speaks the ABI of the declarations and is as new as they are."""
    try:
        library.absa_abi_version.restype = library.absa_version.restype = ctypes.c_int32
        abi, version = library.absa_abi_version(), library.absa_version()
    except AttributeError:
        raise ImportError(f"{path} is not libabsa: it has no absa_abi_version()") from None
    if abi != declared.ABSA_ABI_VERSION or version < VERSION:
        raise ImportError(
            f"{path} is release {version // 1000000}.{version // 1000 % 1000}.{version % 1000} with"
            f" ABI {abi}; this package needs ABI {declared.ABSA_ABI_VERSION} and at least release "
            f"{VERSION // 1000000}.{VERSION // 1000 % 1000}.{VERSION % 1000}")


def _sizes(library, functions=None):
    """Raise when a struct is filled otherwise than its class says: each _init function writes the
    size that it was given into the first member and nothing behind the struct."""
    functions = declared.FUNCTIONS if functions is None else functions
    for name in functions:
        kind = getattr(declared, name.removesuffix("_init"), None)
        if not name.endswith("_init") or kind is None or len(functions[name][1]) != 2:
            continue
        size, guard = ctypes.sizeof(kind), b"\xa5" * 16
        room = ctypes.create_string_buffer(b"\xa5" * size + guard, size + len(guard))
        made = kind.from_buffer(room)
        getattr(library, name)(made, size)
        if made.struct_size != size or room.raw[size:] != guard:
            raise ImportError(f"{name}() does not know a struct of {size} bytes")


def load():
    """Return libabsa with every function declared, and the path it was loaded from."""
    asked = os.environ.get("ABSA_LIBRARY")
    soname = file_name("absa")
    # A library that was asked for and fails is not silently replaced by another one.
    places = [("$ABSA_LIBRARY", asked)] if asked else [
        ("bundled", os.path.join(BUNDLED, soname)), ("the system's loader", soname)]
    library, path = _first(places)
    _fits(library, path)
    _declare(library, declared.FUNCTIONS, path)
    _sizes(library)
    return library, path


def load_refnet(path):
    """Return libabsa-refnet with every function declared: whatever $ABSA_REFNET_LIBRARY names, or
    else what lies beside the libabsa that was loaded from a path, or what the system's loader
    finds, which must be of the same release."""
    asked, soname = os.environ.get("ABSA_REFNET_LIBRARY"), file_name("absa-refnet")
    beside = os.path.dirname(path)
    places = [("$ABSA_REFNET_LIBRARY", asked)] if asked else [
        ("beside libabsa", os.path.join(beside, soname)),
        ("in a build directory", os.path.join(beside, "refnet", soname))] if beside else [
        ("the system's loader", soname)]
    library, where = _first(places, "libabsa-refnet", "It is built where zlib's headers are; set "
                            "ABSA_REFNET_LIBRARY to the file otherwise")
    _declare(library, declared.REFNET_FUNCTIONS, where)
    _sizes(library, declared.REFNET_FUNCTIONS)
    return library
