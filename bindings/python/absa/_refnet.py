"""libabsa-refnet, loaded when a module that needs it is imported."""

from ._core import fill, initial, path
from ._library import load_refnet

refnet = load_refnet(path)


def refnet_struct(kind, **values):
    """Return a struct of that library filled by its _init function, with these fields changed."""
    return fill(initial(kind, refnet), **values)
