"""Data for the reference network: readers for the usual small files, and glyph images that need no
file. In libabsa-refnet; import absa.refdata to have it."""

from __future__ import annotations

import ctypes
import os
from typing import TYPE_CHECKING

import numpy

from . import _declarations as c
from ._core import Context, Handle, address, fill, number, place, positive, word64
from ._refnet import refnet, refnet_struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any


def _path(path):
    return os.fsencode(os.fspath(path))


def _bytes(data, name):
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(f"{name} is {type(data).__name__}; it must be bytes")
    return bytes(data)


def _records_format(kind, fields):
    made = c.absa_records_format()
    refnet.absa_records_format_init(made, ctypes.sizeof(made), number("absa_records", kind))
    return fill(made, **fields)


class Dataset:
    """Rows with labels, read-only once made. Made by its class methods.

    Attributes
    ----------
    x : float32 array of shape (rows, channels, height, width), read-only
        values in [0, 1]; tables of shape (rows, 1, 1, features)
    labels : int32 array of shape (rows,), read-only
        0 to classes - 1
    rows, features, classes : int
    """

    x: numpy.ndarray
    labels: numpy.ndarray
    rows: int
    features: int
    classes: int

    def __init__(self, create: Callable[[Any], int], context: Context | None = None) -> None:
        self._handle = Handle(Context() if context is None else context,
                              refnet.absa_dataset_destroy, create)
        self._view()

    def _view(self):
        view = refnet_struct(c.absa_dataset_view)
        self._check(refnet.absa_dataset_view_get(self._handle.handle, view))
        self.rows, self.features, self.classes = view.rows, view.features, view.classes
        self.x = self._array(view.x, ctypes.c_float,
                             (view.rows, view.channels, view.height, view.width))
        self.labels = self._array(view.labels, ctypes.c_int32, (view.rows,))

    def _array(self, at, kind, shape):
        memory = (kind * int(numpy.prod(shape))).from_address(at)
        memory.owner = self._handle  # arrays outlive the dataset
        array = numpy.frombuffer(memory, kind).reshape(shape)
        array.flags.writeable = False
        return array

    def _check(self, status):
        self._handle.context.check(status)

    @classmethod
    def _of(cls, function, *arguments):
        context = Context()
        return cls(lambda out: function(context.handle, *arguments, out), context)

    @classmethod
    def from_arrays(cls, x: numpy.ndarray, labels: numpy.ndarray,
                    classes: int | None = None) -> Dataset:
        """Copy arrays: x float32 of shape (rows, features), (rows, height, width) or (rows,
        channels, height, width); labels int32 of shape (rows,). classes: by default one more than
        the largest label."""
        x_at = address(x, "x", numpy.dtype("float32"))
        if not 2 <= x.ndim <= 4 or not x.size:
            raise ValueError(f"x has shape {x.shape}; it must be rows of 1 to 3 dimensions")
        labels_at = address(labels, "labels", numpy.dtype("int32"), x.shape[0])
        channels, height, width = (1,) * (4 - x.ndim) + x.shape[1:]
        view = refnet_struct(
            c.absa_dataset_view, rows=x.shape[0], channels=channels, height=height, width=width,
            classes=int(labels.max()) + 1 if classes is None else classes)
        view.x, view.labels = x_at, labels_at
        return cls._of(refnet.absa_dataset_create, view)

    @classmethod
    def read_idx(cls, images: str | bytes | os.PathLike, labels: str | bytes | os.PathLike,
                 classes: int = 10) -> Dataset:
        """Read a pair of IDX files, gzipped or not: MNIST and its relatives."""
        return cls._of(refnet.absa_dataset_read_idx, _path(images), _path(labels),
                       positive(classes, "classes"))

    @classmethod
    def parse_idx(cls, images: bytes | bytearray | memoryview,
                  labels: bytes | bytearray | memoryview, classes: int = 10) -> Dataset:
        """The same from bytes."""
        images, labels = _bytes(images, "images"), _bytes(labels, "labels")
        return cls._of(refnet.absa_dataset_parse_idx, images, len(images), labels, len(labels),
                       positive(classes, "classes"))

    @classmethod
    def read_records(
            cls, paths: str | bytes | os.PathLike | Iterable[str | bytes | os.PathLike],
            kind: str = "cifar10", **fields: int) -> Dataset:
        """Read files of equal records, one path or several, into one dataset. kind: "cifar10",
        "cifar100" or "svhn"; fields: those of absa_records_format that differ."""
        paths = [paths] if isinstance(paths, (str, bytes, os.PathLike)) else list(paths)
        names = (ctypes.c_char_p * max(len(paths), 1))(*[_path(path) for path in paths])
        pointers = ctypes.cast(names, ctypes.POINTER(ctypes.c_void_p))
        return cls._of(refnet.absa_dataset_read_records, pointers, len(paths),
                       _records_format(kind, fields))

    @classmethod
    def parse_records(cls, data: bytes | bytearray | memoryview, kind: str = "cifar10",
                      **fields: int) -> Dataset:
        """The same from the bytes of one file."""
        data = _bytes(data, "data")
        return cls._of(refnet.absa_dataset_parse_records, data, len(data),
                       _records_format(kind, fields))

    @classmethod
    def read_csv(cls, path: str | bytes | os.PathLike, label_column: int = 0) -> Dataset:
        """Read a table of categories, such as the mushrooms: each value of a column becomes a
        feature that is 0 or 1."""
        return cls._of(refnet.absa_dataset_read_csv, _path(path),
                       positive(label_column, "label_column", 0))

    @classmethod
    def parse_csv(cls, data: bytes | bytearray | memoryview, label_column: int = 0) -> Dataset:
        """The same from bytes."""
        data = _bytes(data, "data")
        return cls._of(refnet.absa_dataset_parse_csv, data, len(data),
                       positive(label_column, "label_column", 0))

    @classmethod
    def glyphs(cls, **options: float) -> Dataset:
        """Draw images of the ten digits. Options: rows (4096), first (0), size (16 pixels), seed,
        shift, turn, bend and noise; see absa_glyphs_options."""
        return cls._of(refnet.absa_dataset_glyphs, refnet_struct(c.absa_glyphs_options, **options))

    def limit(self, rows: int) -> Dataset:
        """Keep the first rows only; returns the dataset."""
        self._check(refnet.absa_dataset_limit(self._handle.handle, positive(rows, "rows")))
        self._view()
        return self

    def split(self, rows: int, seed: int = 0) -> tuple[Dataset, Dataset]:
        """Deal the rows, in an order shuffled by seed, into two new datasets, the first of so many
        rows."""
        context, second = self._handle.context, ctypes.c_void_p()
        first = Dataset(lambda out: refnet.absa_dataset_split(
            self._handle.handle, positive(rows, "rows"), word64(seed, "seed"), out,
            ctypes.byref(second)), context)

        def taken(out):
            out._obj.value = second.value
            return 0
        return first, Dataset(taken, context)

    def gather(self, rows: Sequence[int] | numpy.ndarray) -> tuple[numpy.ndarray, numpy.ndarray]:
        """Copy rows, given by their numbers, in any order, repeats allowed: (x, labels), of shape
        (count, channels, height, width) and (count,)."""
        rows = numpy.ascontiguousarray(rows)
        if rows.ndim != 1 or rows.size and rows.dtype.kind not in "iu":
            raise TypeError("rows must be a sequence of integers")
        rows = rows.astype(numpy.int64, copy=False)
        x = numpy.empty((rows.size, *self.x.shape[1:]), numpy.float32)
        labels = numpy.empty(rows.size, numpy.int32)
        self._check(refnet.absa_dataset_gather(self._handle.handle, place(rows), rows.size,
                                               place(x), place(labels)))
        return x, labels

    def __len__(self) -> int:
        return self.rows

    def __repr__(self) -> str:
        shape = " x ".join(str(length) for length in self.x.shape[1:])
        return f"Dataset({self.rows} rows of {shape}, {self.classes} classes)"
