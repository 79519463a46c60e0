"""What a run tells while it is on its way: a line on the terminal, or a host's own hook."""

import contextlib
import sys

from ._core import Session


class _Bar:
    """One line on the terminal: products so far and what is known."""

    def __init__(self, most):
        self._most, self._shown = most, False

    def __call__(self, now):
        text = (f"{now.products:4}/{self._most} products  value {now.value:.6g}  in "
                "[{:.6g}, {:.6g}]".format(*now.interval))
        sys.stderr.write("\r" + text[:79].ljust(79))
        sys.stderr.flush()
        self._shown = True

    def close(self):
        """End the line."""
        if self._shown:
            sys.stderr.write("\n")
            self._shown = False


class _Hook:
    """A tqdm-like object: update(1) a product, close() at the end; or any callable."""

    def __init__(self, hook):
        self._hook = hook

    def __call__(self, now):
        if hasattr(self._hook, "update"):
            self._hook.update(1)
        else:
            self._hook(now)

    def close(self):
        """Tell the hook that the run has ended."""
        if hasattr(self._hook, "close"):
            self._hook.close()


def shown(asked, most):
    """Return what shows the progress of a run of so many products at most, or None."""
    if asked is None or asked is False:
        return None
    if asked is True:
        return _Bar(most) if sys.stderr.isatty() else None
    return _Hook(asked)


@contextlib.contextmanager
def running(watchers, told, *owners):
    """Go through a run to its end, what is told among those who watch it; it is closed, whatever
    becomes of the run."""
    if told is None:
        with Session(*owners):
            yield
        return
    watchers.append(told)
    try:
        with Session(*owners):
            yield
    except BaseException:
        with contextlib.suppress(Exception):  # what ended the run is what is to be heard of
            told.close()
        raise
    finally:
        watchers.remove(told)
    told.close()
