"""What every part of the package stands on: the loaded library, errors, contexts, callbacks that
let Python's exceptions through, structs filled from keywords, and arrays as addresses."""

import ctypes
import operator
import sys
import threading
import weakref

import numpy

from . import _declarations as c
from ._library import load

lib, path = load()

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


# What a callback raised waits here for the end of the C call that it ran in. Callbacks run on the
# caller's thread and calls nest, so one place per thread is enough.
_local = threading.local()


def keep(raised):
    """Keep an exception for the end of the C call, and return what stops a run."""
    _local.raised = raised
    return 1


# A signal that arrives while C computes is handled at the first instruction of the next callback,
# which no try covers. What its handler raises there, KeyboardInterrupt, ctypes can only report as
# unraisable, and what C then takes for the callback's answer is anything. So the report is caught
# during C calls, and the callbacks that follow stop the run. Signals are the main thread's alone.
_cut_short = []
_guarded = set()


def guarded(call):
    """Note that what escapes from a callback's own function is to come out of the C call."""
    _guarded.add(call.__code__)
    return call


def cut_short():
    """Return whether a callback of the C call that this thread is in was cut short."""
    return bool(_cut_short) and _cut_short[0] == threading.get_ident()


def _reporting(otherwise):
    """Return a hook for what cannot be raised, which keeps what cut a callback short."""
    def report(unraisable):
        trace = unraisable.exc_traceback
        if trace is None or trace.tb_frame.f_code not in _guarded:
            otherwise(unraisable)
            return
        _cut_short[:] = [threading.get_ident()]
        keep(unraisable.exc_value)
    return report


def callback(kind, function):
    """Return function(user, ...) as a C callback: it stops the run by raising, and what it raises
    comes out of the call it ran in. One that returns nothing in C cannot stop anything."""
    @guarded
    def call(*arguments):
        try:
            if cut_short():
                return 1
            function(*arguments)
            return 0
        except BaseException as raised:  # pylint: disable=broad-except
            return keep(raised)
    return kind(call)


class Context:
    """The library's context: allocator, log and the last message.

    One thread at a time uses a context and the handles made from it; each object of this package
    that is not made from another one makes its own.

    Parameters: log, called with (level, text) for every line of the library's log; level, the
    chattiest that reaches it: "warning", "info" or "debug".
    """

    def __init__(self, log=None, level="warning"):
        self.handle = ctypes.c_void_p()
        options, write = struct(c.absa_context_options), None
        if log is not None:
            options.log_level = number("absa_log_level", level)

            def call(_user, at, text):
                log(word("absa_log_level", at), text.decode())
            options.log = write = callback(c.absa_log_fn, call)
        self._kept = write
        status = lib.absa_context_create(options, ctypes.byref(self.handle))
        if status:
            raise error(status)

    def __del__(self):
        _destroy(lib.absa_context_destroy, self.handle)

    def check(self, status):
        """Raise what a callback raised during the call, or else the library's own error."""
        check(status, self)

    @property
    def message(self):
        """What the last failure said: which argument, which value, what to do about it."""
        return lib.absa_context_message(self.handle).decode()

    @property
    def callback_code(self):
        """What the callback returned that ended the last call so; 0 before one."""
        return lib.absa_context_callback_code(self.handle)

    def log(self, text, level="info"):
        """Send one line to the log, if its level is let through."""
        lib.absa_context_log(self.handle, number("absa_log_level", level), text.encode())
        self.check(0)

    def fail(self, text, status="invalid"):
        """Record a message as a host's own part of the library would, and raise its error. status:
        a word of enum absa_status_code."""
        self.check(lib.absa_context_fail(self.handle, number("absa_status_code", status),
                                         text.encode()))

    def zeros(self, count, dtype="float32"):
        """Return an array of zeros from the context's allocator, of shape (count,), at an address
        that is a multiple of 64. It keeps the context alive."""
        dtype, at = numpy.dtype(dtype), ctypes.c_void_p()
        if dtype.hasobject or dtype.itemsize == 0:
            raise TypeError(f"dtype is {dtype}; it must be one of numbers")
        count = positive(count, "count", 0)
        self.check(lib.absa_context_alloc(self.handle, count, dtype.itemsize, ctypes.byref(at)))
        if not at.value:
            return numpy.empty(0, dtype)
        memory = (ctypes.c_char * (count * dtype.itemsize)).from_address(at.value)
        memory.owner = _Memory()
        weakref.finalize(memory.owner, _release, lib.absa_context_retain(self.handle), at.value,
                         count, dtype.itemsize).atexit = False
        return numpy.frombuffer(memory, dtype)


def _taken():
    """Take away and return what a callback raised, or None."""
    raised = getattr(_local, "raised", None)
    if raised is not None:
        _local.raised = None
        if cut_short():
            _cut_short.clear()
    return raised


def check(status, context=None):
    """Raise what a callback raised during the call, or else the error of a status."""
    raised = _taken()
    if raised is not None:
        raise raised
    if status:
        text = lib.absa_context_message(context.handle).decode() if context is not None else ""
        raise error(status, text)


class _Memory:
    """What the memory of an array goes with."""


def _release(context, at, count, size):
    lib.absa_context_release(context, at, count, size)
    lib.absa_context_destroy(ctypes.byref(ctypes.c_void_p(context)))


def _destroy(function, handle, finalizing=sys.is_finalizing):
    """Destroy a handle, if there is one. At the interpreter's end the system takes it all back."""
    if not handle.value or finalizing():
        return
    waiting, _local.raised = getattr(_local, "raised", None), None
    function(ctypes.byref(handle))
    raised, _local.raised = _local.raised, waiting
    if raised is not None:  # by a vector table's release(), say
        raise raised


class Handle:
    """Owner of a C handle: destroys it with itself, and keeps alive what it needs.

    By __del__, not weakref.finalize(), whose registry would hold callbacks for ever that lead back
    to the handle's owner, as a bound method does. The members keep callbacks and parents until the
    handle itself is gone: the collector runs all of a cycle's __del__ before it clears anything.
    """

    def __init__(self, context, destroy, create, *kept):
        """Make the handle by create(pointer to it), which answers a status."""
        self.context, self._kept, self._function = context, kept, destroy
        self.handle = ctypes.c_void_p()
        with Session():
            context.check(create(ctypes.byref(self.handle)))

    def __del__(self):
        _destroy(self._function, self.handle)


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


_INTEGERS = tuple(getattr(ctypes, f"c_{sign}int{bits}") for sign in ("", "u")
                  for bits in (32, 64))


def struct(kind, **values):
    """Return a struct filled by its _init function, with these fields changed. Integers and floats
    of any kind pass, but no float for an integer."""
    return fill(initial(kind, lib), **values)


def initial(kind, library):
    """Return a struct filled by its _init function, which that library has."""
    made = kind()
    getattr(library, kind.__name__ + "_init")(made, ctypes.sizeof(made))
    return made


def fill(made, **values):
    """Change fields of a struct, checked as struct() says, and return it."""
    kinds = dict(made._fields_)
    for name, value in values.items():
        if name not in kinds or name == "struct_size" or name.startswith("reserved"):
            raise TypeError(f"there is no option {name!r}")
        try:
            if kinds[name] in _INTEGERS:
                value = operator.index(value)
                if kinds[name](value).value != value:
                    raise OverflowError(f"{name} is {value}, which is out of range")
            elif kinds[name] is ctypes.c_double:
                value = float(value)
            setattr(made, name, value)
        except TypeError:
            raise TypeError(f"{name} is {value!r}; it must be "
                            f"{'an integer' if kinds[name] in _INTEGERS else 'a number'}") from None
    return made


def positive(value, name, least=1, past=1 << 63):
    """Return an integer of any kind that lies in least .. past - 1."""
    try:
        value = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r}; it must be an integer") from None
    if not least <= value < past:
        raise ValueError(f"{name} is {value}; it must be "
                         f"{f'at least {least}' if value < least else f'below {past}'}")
    return value


def word64(value, name):
    """Return an integer of 64 bits without a sign: a seed or a stream."""
    return positive(value, name, 0, 1 << 64)


def weighed(weights, count, name="weights"):
    """Return numbers, one for each of so many things, as an array of float64; None stays None."""
    if weights is None:
        return None
    found = numpy.ascontiguousarray(weights, numpy.float64)
    if found.shape != (count,):
        raise ValueError(f"{count} parts need as many {name}, not an array of shape {found.shape}")
    return found


def place(array):
    """Return the address of an array that may be None."""
    return None if array is None else array.ctypes.data


def written(check_status, write):
    """Return the bytes that write(buffer, capacity, size) fills, once it has told their number."""
    size = ctypes.c_size_t()
    check_status(write(None, 0, ctypes.byref(size)))
    room = ctypes.create_string_buffer(size.value)
    check_status(write(room, size.value, ctypes.byref(size)))
    return room.raw[:size.value]


def element(dtype):
    """Return the element type of a NumPy dtype or its name: float32 or float64."""
    try:
        return _ELEMENTS[numpy.dtype(dtype)]
    except (KeyError, TypeError):
        raise TypeError(f"dtype is {dtype!r}; it must be float32 or float64") from None


def address(array, name, dtype, size=None, writable=False):
    """Return the address of a C-contiguous array of that dtype; nothing is ever copied. With a size
    it must be a vector of so many elements."""
    if not isinstance(array, numpy.ndarray):
        raise TypeError(f"{name} is {type(array).__name__}; it must be a numpy.ndarray")
    if array.dtype != dtype:
        raise TypeError(f"{name} is of {array.dtype}; it must be of {numpy.dtype(dtype)}")
    if not array.flags.aligned:
        raise TypeError(f"{name} is not aligned; a copy of it is")
    if not array.flags.c_contiguous:
        raise TypeError(f"{name} is not C-contiguous; numpy.ascontiguousarray() copies it")
    if writable and not array.flags.writeable:
        raise TypeError(f"{name} is read-only")
    if size is not None and array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape}; a vector has shape ({size},)")
    if size is not None and array.size != size:
        raise ValueError(f"{name} has {array.size} elements; it must have {size}")
    return array.ctypes.data


class Session:
    """The C call that is on its way: NumPy arrays over the vectors of its callbacks, one per
    address, made once. A view keeps the owners of its memory alive, so that no array ever outlives
    it; what it shows may change after the callback it was handed to.

    A context manager around every call that may enter callbacks.
    """

    def __init__(self, *owners):
        self._owners, self._hook = owners, None
        self._writable, self._readonly = {}, {}

    def __enter__(self):
        self._outer = getattr(_local, "session", None)
        _local.session = self
        if threading.get_ident() == threading.main_thread().ident:
            self._hook = sys.unraisablehook, _reporting(sys.unraisablehook)
            sys.unraisablehook = self._hook[1]
        return self

    def __exit__(self, *_):
        _local.session = self._outer
        if self._hook is not None:
            before, mine = self._hook
            self._hook = None
            if sys.unraisablehook is mine:
                sys.unraisablehook = before

    def writable(self, at, n, dtype):
        """Return the array of n elements at an address."""
        found = self._writable.get(at)
        if found is None or found.size != n or found.dtype != dtype:
            if n == 0:
                return numpy.empty(0, dtype)
            memory = (_SCALARS[_ELEMENTS[dtype]] * n).from_address(at)
            memory.owners = self._owners
            found = self._writable[at] = numpy.frombuffer(memory, dtype)
        return found

    def readonly(self, at, n, dtype):
        """Return the same, not to be written to."""
        found = self._readonly.get(at)
        if found is None or found.size != n or found.dtype != dtype:
            found = self.writable(at, n, dtype).view()
            found.flags.writeable = False
            self._readonly[at] = found
        return found


def session():
    """Return the session of the C call that this thread is in."""
    return _local.session
