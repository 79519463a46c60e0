"""Options as text by name, as command lines and configuration files have them."""

from ._core import written


def put(context, function, made, settings):
    """Set options of a struct from a mapping of names to texts, numbers or lists of numbers."""
    for name, value in settings.items():
        if isinstance(value, bool):
            value = int(value)
        elif isinstance(value, (list, tuple)):
            value = ",".join(str(number) for number in value)
        context.check(function(context.handle, made, str(name).encode(), str(value).encode()))


def get(context, function, made, name_of):
    """Return all options of a struct as a dict of texts that put() takes back to the same bits."""
    found, index = {}, 0
    while (name := name_of(index)) is not None:
        found[name.decode()] = written(context.check, lambda *room, name=name: function(
            context.handle, made, name, *room)).rstrip(b"\0").decode()
        index += 1
    return found
