"""What py.typed promises: everything public says the types of its parameters and of its answer."""

import enum
import importlib
import inspect
import pkgutil

import absa
import absa.torch


def modules():
    for package in absa, absa.torch:
        for found in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
            if not found.name.rsplit(".", 1)[-1].startswith("_"):
                yield importlib.import_module(found.name)


def functions(owner):
    """Yield (name, function) of a module or class: what it defines itself and does not hide."""
    for name, value in vars(owner).items():
        if name.startswith("_") and name not in ("__init__", "__call__", "__getitem__"):
            continue
        value = getattr(value, "__func__", value)  # class and static methods
        if isinstance(value, property):
            value = value.fget
        # Not what was imported, nor properties that a helper makes: their annotation is the class's.
        if inspect.isfunction(value) and value.__module__ == getattr(owner, "__module__",
                                                                     owner.__name__) \
                and "<locals>" not in value.__qualname__:
            yield f"{value.__module__}.{value.__qualname__}", value


def untyped():
    for module in modules():
        owners = [module] + [value for name, value in vars(module).items()
                             if inspect.isclass(value) and value.__module__ == module.__name__
                             and not name.startswith("_") and not issubclass(value, enum.Enum)]
        for owner in owners:
            for name, function in functions(owner):
                signature = inspect.signature(function)
                missing = [p.name for p in signature.parameters.values()
                           if p.annotation is p.empty and p.name not in ("self", "cls")]
                if signature.return_annotation is signature.empty:
                    missing.append("its answer")
                if missing:
                    yield f"{name}: {', '.join(missing)}"


def test_every_public_function_says_its_types():
    assert not sorted(set(untyped()))


def test_all_of_the_package_is_looked_at():
    seen = {name for module in modules() for name, _ in functions(module)}
    assert {"absa.eigen.eigenvalues", "absa.adversarial.fgsm", "absa.schedule.schedule"} <= seen
