"""What every part of the package stands on: the loaded library, errors, contexts, callbacks that
let Python's exceptions through, structs filled from keywords, and arrays as addresses."""

import ctypes
import weakref

import numpy

from . import _declarations as c
from ._library import load

lib, path = load()

DTYPES = {"float32": numpy.dtype(numpy.float32), "float64": numpy.dtype(numpy.float64)}
_ELEMENTS = {numpy.dtype(numpy.float32): 0, numpy.dtype(numpy.float64): 1}
_SCALARS = {0: ctypes.c_float, 1: ctypes.c_double}


class Error(RuntimeError):
    """A call of the library failed. The text says which argument, which value and what to do.

    Attributes: status, the number of enum absa_status_code, and code, its name.
    """

    def __init__(self, status, text=""):
        super().__init__(text or lib.absa_status_text(status).decode())
        self.status = status
        self.code = lib.absa_status_name(status).decode()

    def __reduce__(self):
        return type(self), (self.status, str(self))


class InvalidError(Error, ValueError):
    """An argument is outside its range."""


class NonfiniteError(Error, FloatingPointError):
    """A NaN or an infinity appeared where a finite number is needed."""


class NoMemoryError(Error, MemoryError):
    """There is no memory. Nothing was changed."""


class UnsupportedError(Error, NotImplementedError):
    """What was asked for needs an operation or a mode that is not there."""


_ERRORS = {"invalid": InvalidError, "nonfinite": NonfiniteError, "memory": NoMemoryError,
           "unsupported": UnsupportedError}
_BY_STATUS = {c.ENUMS["absa_status_code"][word]: kind for word, kind in _ERRORS.items()}


def error(status, text=""):
    """Return the exception of a status."""
    return _BY_STATUS.get(status, Error)(status, text)


class Context:
    """The library's context: its last message, and the exception that a callback has left.

    One thread at a time uses a context and the handles made from it; each object of this package
    that is not made from another one makes its own.

    Parameters: log, called with (level, text) for every line of the library's log; level, the
    chattiest that reaches it: "warning", "info" or "debug".
    """

    def __init__(self, log=None, level="warning"):
        self.pending = None
        self.handle = ctypes.c_void_p()
        options = struct(c.absa_context_options)
        if log is not None:
            levels = {number: word for word, number in c.ENUMS["absa_log_level"].items()}
            options.log_level = number("absa_log_level", level)

            def write(_user, at, text):
                try:
                    log(levels.get(at, "debug"), text.decode())
                except BaseException as raised:  # pylint: disable=broad-except
                    self.pending = self.pending or raised
            options.log = self._log = c.absa_log_fn(write)
        status = lib.absa_context_create(options, ctypes.byref(self.handle))
        if status:
            raise error(status)
        self._destroy = weakref.finalize(self, _destroy, lib.absa_context_destroy,
                                         self.handle.value, getattr(self, "_log", None))
        self._destroy.atexit = False

    def check(self, status):
        """Raise what a callback raised during the call, or else the library's own error."""
        if self.pending is not None:
            raised, self.pending = self.pending, None
            raise raised
        if status:
            raise error(status, lib.absa_context_message(self.handle).decode())

    def callback(self, kind, function):
        """Return function(user, ...) as a C callback: it stops the run by raising, and what it
        raises comes out of the call it ran in."""
        def call(*arguments):
            try:
                function(*arguments)
                return 0
            except BaseException as raised:  # pylint: disable=broad-except
                self.pending = raised
                return 1
        return kind(call)


def _destroy(function, handle, _kept):
    function(ctypes.byref(ctypes.c_void_p(handle)))


class Handle:
    """Owner of a C handle: destroys it with itself, and keeps alive what it needs."""

    def __init__(self, context, destroy, create, *kept):
        """Make the handle by create(pointer to it), which answers a status."""
        self.context = context
        self.handle = ctypes.c_void_p()
        context.check(create(ctypes.byref(self.handle)))
        # The tuple keeps callbacks and parents until the handle itself is gone.
        self._destroy = weakref.finalize(self, _destroy, destroy, self.handle.value,
                                         (context, kept))
        self._destroy.atexit = False


def number(enum, word):
    """Return the number of a word of an enum: number("absa_rule", "checked"). Case does not matter,
    and numbers pass."""
    values = c.ENUMS[enum]
    if isinstance(word, str):
        if word.lower() not in values:
            raise ValueError(f"{word!r} is none of {', '.join(values)}")
        return values[word.lower()]
    if isinstance(word, bool) or word not in values.values():
        raise ValueError(f"{word!r} is none of {', '.join(values)}")
    return int(word)


_WORDS = {enum: {value: word for word, value in values.items()}
          for enum, values in c.ENUMS.items()}


def word(enum, value):
    """Return the word of a number of an enum, or the number where a newer library made it."""
    return _WORDS[enum].get(value, value)


def struct(kind, **values):
    """Return a struct filled by its _init function, with these fields changed."""
    made = kind()
    getattr(lib, kind.__name__ + "_init")(made, ctypes.sizeof(made))
    fields = {name for name, *_ in kind._fields_}
    for name, value in values.items():
        if name not in fields or name == "struct_size" or name.startswith("reserved"):
            raise TypeError(f"there is no option {name!r}")
        setattr(made, name, value)
    return made


def element(dtype):
    """Return the element type of a NumPy dtype or its name: float32 or float64."""
    try:
        return _ELEMENTS[numpy.dtype(dtype)]
    except (KeyError, TypeError):
        raise TypeError(f"dtype is {dtype!r}; it must be float32 or float64") from None


def address(array, name, dtype, size=None, writable=False):
    """Return the address of a C-contiguous array of that dtype and size; nothing is ever copied."""
    if not isinstance(array, numpy.ndarray):
        raise TypeError(f"{name} is {type(array).__name__}; it must be a numpy.ndarray")
    if array.dtype != dtype:
        raise TypeError(f"{name} is of {array.dtype}; it must be of {numpy.dtype(dtype)}")
    if not array.flags.c_contiguous:
        raise TypeError(f"{name} is not C-contiguous; numpy.ascontiguousarray() copies it")
    if writable and not array.flags.writeable:
        raise TypeError(f"{name} is read-only")
    if size is not None and array.size != size:
        raise ValueError(f"{name} has {array.size} elements; it must have {size}")
    return array.ctypes.data


class Views:
    """NumPy arrays over vectors that the library owns, one per address, made once.

    A view keeps its owner alive, so that no array ever outlives its memory; what it shows may
    change after the callback it was handed to.
    """

    def __init__(self, n, dtype, owner):
        self._kind = _SCALARS[element(dtype)] * n
        self._dtype = numpy.dtype(dtype)
        self._owner = owner
        self._made = {}
        self._frozen = {}

    def writable(self, at):
        """Return the array at an address."""
        found = self._made.get(at)
        if found is None:
            memory = self._kind.from_address(at)
            memory.owner = self._owner
            found = self._made[at] = numpy.frombuffer(memory, self._dtype)
        return found

    def readonly(self, at):
        """Return the array at an address, not to be written to."""
        found = self._frozen.get(at)
        if found is None:
            found = self._frozen[at] = self.writable(at).view()
            found.flags.writeable = False
        return found
