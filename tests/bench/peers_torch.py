"""The top Hessian eigenvalue of a PyTorch ResNet: products until the true relative error is, and
stays, 1 %, and until each rule stops, for the certified estimator and for power iteration with a
test on the change of the Rayleigh quotient, from the same start vector. The truth: 60 Lanczos steps
in double precision. Images are CIFAR-10's where ABSA_TEST_DATA is set, else noise. The network is
measured at several points of its training. Usage: peers_torch.py BUILD [SEEDS]"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
os.environ["ABSA_LIBRARY"] = os.path.join(os.path.abspath(sys.argv[1]), "lib", "libabsa.so.0")
sys.path.insert(0, os.path.join(HERE, "..", "..", "bindings", "python"))
import numpy  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

import absa.torch  # noqa: E402

WIDTHS, POINTS, ROWS, MOST = (8, 16, 32), (0, 100, 400, 800), 64, 60


class Block(nn.Module):
    """Two convolutions and a shortcut."""

    def __init__(self, before, after):
        super().__init__()
        stride = 1 if before == after else 2
        self.a = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.b = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.norm_a, self.norm_b = nn.BatchNorm2d(after), nn.BatchNorm2d(after)
        self.short = nn.Conv2d(before, after, 1, stride, bias=False) if stride == 2 else \
            nn.Identity()

    def forward(self, x):
        y = self.norm_b(self.b(F.relu(self.norm_a(self.a(x)))))
        return F.relu(y + self.short(x))


def resnet():
    """Return a residual network of eight layers."""
    blocks, before = [], WIDTHS[0]
    for width in WIDTHS:
        blocks.append(Block(before, width))
        before = width
    return nn.Sequential(nn.Conv2d(3, WIDTHS[0], 3, 1, 1, bias=False), nn.BatchNorm2d(WIDTHS[0]),
                         nn.ReLU(), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(before, 10))


def images(count):
    """Return images and labels."""
    folder = os.environ.get("ABSA_TEST_DATA")
    if not folder:
        return torch.randn(count, 3, 32, 32), torch.randint(0, 10, (count,))
    raw = numpy.fromfile(os.path.join(folder, "cifar10", "data_batch_1.bin"), numpy.uint8,
                         count=3073 * count).reshape(-1, 3073)
    return (torch.tensor(raw[:, 1:], dtype=torch.float32).div_(255).sub_(0.5).view(-1, 3, 32, 32),
            torch.tensor(raw[:, 0], dtype=torch.int64))


def settled(errors, bound):
    """Return the first product from which on all errors are within the bound."""
    beyond = [k for k, error in enumerate(errors) if error > bound]
    return beyond[-1] + 2 if beyond else 1


def trace(hessian, **options):
    """Return the values after each product of a run of MOST products."""
    seen = []
    hessian.top(max_products=MOST, monitor=lambda now: seen.append(now.value), **options)
    return numpy.array(seen)


def measure(model, probe, step, seeds):
    """Print a line per seed for the model as it is."""
    double = [(x.double(), y) for x, y in probe]
    model.double()
    truth = absa.torch.Hessian(model, F.cross_entropy, double).top(
        rule="fixed", max_products=60, seed=1000).value
    model.float()
    hessian = absa.torch.Hessian(model, F.cross_entropy, probe)
    for seed in range(seeds):
        errors = [abs(trace(hessian, rule=rule, seed=seed, **more) - truth) / truth
                  for rule, more in (("fixed", {}), ("power", {"tol": 1e-12}))]
        checked = hessian.top(rule="checked", seed=seed, max_products=MOST)
        power = hessian.top(rule="power", tol=1e-2, seed=seed, max_products=MOST)
        stops = [(r.products, abs(r.value - truth) / truth) for r in (checked, power)]
        firsts = [settled(e, 0.01) for e in errors]
        told = [f"{k:8}" if k <= MOST else f"{'>' + str(MOST):>8}" for k in firsts]
        print(f"{step:5} {truth:9.3f} {seed:4}  {told[0]} {told[1]}  {stops[0][0]:8} "
              f"{stops[0][1]:7.2%}  {stops[1][0]:8} {stops[1][1]:7.2%}", flush=True)


def main():
    """Train, and print the table."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model, (x, y) = resnet(), images(ROWS * 8)
    optimizer = torch.optim.SGD(model.parameters(), 0.05, 0.9, weight_decay=5e-4)
    print(f"# ResNet-8, {sum(p.numel() for p in model.parameters())} parameters, {ROWS} rows")
    print(f"{'':20}  {'products to 1 %':^17}  {'stop of CHECKED':^16}  {'stop of POWER':^16}")
    print(f"{'step':>5} {'truth':>9} {'seed':>4}  {'Lanczos':>8} {'power':>8}  {'products':>8} "
          f"{'error':>7}  {'products':>8} {'error':>7}")
    for step in range(POINTS[-1] + 1):
        if step in POINTS:
            measure(model, [(x[:ROWS], y[:ROWS])], step,
                    int(sys.argv[2]) if len(sys.argv) > 2 else 3)
        rows = torch.arange(step * ROWS, (step + 1) * ROWS) % len(x)
        optimizer.zero_grad()
        F.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()


if __name__ == "__main__":
    main()
