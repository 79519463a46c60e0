"""libabsa-refnet through ctypes: a network by name or by layers, its derivatives and products as
NumPy arrays."""

import ctypes
import os

import numpy

from refnet_torch import FIELDS

F32, F64 = 0, 1
DTYPES = {F32: numpy.float32, F64: numpy.float64}


class Layer(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int32) for name in FIELDS]


class Options(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t), ("name", ctypes.c_char_p),
                ("layers", ctypes.POINTER(Layer)), ("layer_count", ctypes.c_int64),
                ("channels", ctypes.c_int64), ("height", ctypes.c_int64), ("width", ctypes.c_int64),
                ("outputs", ctypes.c_int64), ("hidden", ctypes.c_void_p),
                ("hidden_count", ctypes.c_int64), ("activation", ctypes.c_int32),
                ("element", ctypes.c_int32), ("loss", ctypes.c_int32), ("reserved0", ctypes.c_int32),
                ("weight_decay", ctypes.c_double), ("chunk_rows", ctypes.c_int64),
                ("probe_rows", ctypes.c_int64), ("ghost_rows", ctypes.c_int64),
                ("threads", ctypes.c_int64)]


class Library:
    """The library of a build directory, with one context."""

    def __init__(self, build):
        folder = os.path.join(build, "lib")
        self.absa = ctypes.CDLL(os.path.join(folder, "libabsa.so"), mode=ctypes.RTLD_GLOBAL)
        self.lib = ctypes.CDLL(os.path.join(folder, "refnet", "libabsa-refnet.so"))
        self.absa.absa_context_message.restype = ctypes.c_char_p
        for count in ("parameter", "input", "output", "statistic"):
            getattr(self.lib, f"absa_refnet_{count}_count").restype = ctypes.c_int64
        self.lib.absa_refnet_block_count.restype = ctypes.c_int64
        self.context = ctypes.c_void_p()
        if self.absa.absa_context_create(None, ctypes.byref(self.context)):
            raise MemoryError

    def check(self, status):
        """Raise the message that belongs to a failure."""
        if status:
            raise RuntimeError(self.absa.absa_context_message(self.context).decode())

    def workspace(self, options):
        """Return the bytes that a network takes."""
        size = ctypes.c_int64()
        self.check(self.lib.absa_refnet_workspace(self.context, ctypes.byref(options),
                                                  ctypes.byref(size)))
        return size.value

    def options(self, shape, layers=None, name=None, element=F32, **fields):
        """Return filled options; layers as refnet_torch.layer makes them."""
        o = Options()
        self.lib.absa_refnet_options_init(ctypes.byref(o), ctypes.c_size_t(ctypes.sizeof(o)))
        o.channels, o.height, o.width = shape
        o.element = element
        if name:
            o.name = name.encode()
        else:
            o.layers = (Layer * len(layers))(*(Layer(*(l[f] for f in FIELDS)) for l in layers))
            o.layer_count = len(layers)
        for field, value in fields.items():
            assert hasattr(o, field), field
            setattr(o, field, value)
        return o


def pointer(array):
    """Return the address of a contiguous array."""
    assert array.flags.c_contiguous
    return ctypes.c_void_p(array.ctypes.data)


class Network:
    """A network and its result arrays, which every call of its kind overwrites."""

    def __init__(self, library, options):
        self.library, self.lib = library, library.lib
        self.dtype = DTYPES[options.element]
        self.handle = ctypes.c_void_p()
        library.check(self.lib.absa_refnet_create(library.context, ctypes.byref(options),
                                                  ctypes.byref(self.handle)))
        self.n = self.lib.absa_refnet_parameter_count(self.handle)
        self.inputs = self.lib.absa_refnet_input_count(self.handle)
        self.out = numpy.empty(self.n, self.dtype)

    def close(self):
        """Release the network."""
        self.lib.absa_refnet_destroy(ctypes.byref(self.handle))

    def set_statistics(self, statistics, mode):
        """Set running statistics and the mode of batch normalisation."""
        values = numpy.ascontiguousarray(statistics, numpy.float64)
        self.library.check(self.lib.absa_refnet_write_statistics(self.handle, pointer(values)))
        self.library.check(self.lib.absa_refnet_set_mode(self.handle, mode))

    def _pass(self, function, theta, x, y, out):
        loss = ctypes.c_double()
        self.library.check(function(self.handle, pointer(theta), pointer(x), pointer(y),
                                    ctypes.c_int64(len(x)), pointer(out), ctypes.byref(loss)))
        return loss.value

    def gradient(self, theta, x, y):
        """Compute the gradient into self.out; return the loss."""
        return self._pass(self.lib.absa_refnet_gradient, theta, x, y, self.out)

    def input_gradient(self, theta, x, y):
        """Return the gradient in x of each row's loss."""
        out = numpy.empty_like(x)
        self._pass(self.lib.absa_refnet_input_gradient, theta, x, y, out)
        return out

    def probe(self, theta, x, y):
        """Fix the point of the products. x and y must outlive it."""
        self.library.check(self.lib.absa_refnet_probe(self.handle, pointer(theta), pointer(x),
                                                      pointer(y), ctypes.c_int64(len(x)), None))

    def product(self, v, kind="hvp"):
        """Compute Hv or Gv ("gnvp") into self.out."""
        function = getattr(self.lib, "absa_refnet_" + kind)
        self.library.check(function(self.handle, pointer(v), pointer(self.out)))

    def block(self, selection):
        """Return a handle of the Hessian in some of the parameters, and how many these are."""
        chosen, handle = ctypes.c_void_p(), ctypes.c_void_p()
        absa, check = self.library.absa, self.library.check
        check(self.lib.absa_refnet_layout(self.handle, ctypes.byref(chosen)))
        check(absa.absa_block_select(chosen, selection.encode()))
        check(self.lib.absa_refnet_block_create(self.handle, chosen, ctypes.byref(handle)))
        absa.absa_block_destroy(ctypes.byref(chosen))
        return handle, self.lib.absa_refnet_block_count(handle)

    def block_product(self, block, v):
        """Compute Hv into the first elements of self.out."""
        self.library.check(self.lib.absa_refnet_block_hvp(block, pointer(v), pointer(self.out)))

    def drop(self, block):
        """Release a block."""
        self.lib.absa_refnet_block_destroy(ctypes.byref(block))
