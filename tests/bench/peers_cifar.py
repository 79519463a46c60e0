"""The same training twice: absa-train on CIFAR-10 with a fixed small batch, and the same network with
the same recipe in PyTorch, which decides the accuracy that is to be had. Both print their test
accuracy. The recipe: SGD with momentum and weight decay, the lr divided by 5 after a half and three
quarters of the epochs, inputs as pixels from 0 to 1, batch normalisation over ghost batches of 32
rows, weights as absa_refnet_init_parameters() draws them (He), each side from its own seeds. The data
are the binary files of CIFAR-10. With --augment both sides crop and flip the training images at
random (He et al. 2016, section 4.2). Usage: peers_cifar.py [--augment] BUILD [DATA-DIR [ROWS [EPOCHS
[SEEDS]]]]; without DATA-DIR, $ABSA_TEST_DATA/cifar10"""

import argparse
import math
import os
import statistics
import subprocess
import sys
import time

import numpy
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "peers"))
from refnet_torch import NORM, RELU, TRAIN, Net, by_name  # noqa: E402

MODEL, BATCH, LR, MOMENTUM, DECAY, GHOST = "resnet8", 64, 0.1, 0.9, 5e-4, 32
EVALUATED, REACH = 500, 4


def rows_of(path, count):
    """Return images and labels of one binary file."""
    raw = numpy.fromfile(path, numpy.uint8).reshape(-1, 3073)[:count]
    return (torch.tensor(raw[:, 1:], dtype=torch.float32).div_(255).view(-1, 3, 32, 32),
            torch.tensor(raw[:, 0], dtype=torch.int64))


def load(folder, rows):
    """Return the first rows of the training part, and the test part."""
    parts = [rows_of(os.path.join(folder, f"data_batch_{k}.bin"), rows) for k in range(1, 6)]
    x, y = (torch.cat([part[k] for part in parts])[:rows] for k in range(2))
    return x, y, *rows_of(os.path.join(folder, "test_batch.bin"), 10000)


def weights(net, generator):
    """Return starting weights as the library's: normal, of variance 2 / fan_in in front of a ReLU
    and 1 / fan_in otherwise; gains of 1, shifts and biases of 0."""
    theta = torch.zeros(net.n)
    for i, role, first, shape in net.ranges:
        count = math.prod(shape)
        if role == "gain":
            theta[first:first + count] = 1
        if role == "weight":
            reads = i
            while reads < len(net.layers) and net.layers[reads]["kind"] == NORM:
                reads += 1
            active = reads < len(net.layers) and net.layers[reads]["kind"] == RELU
            fan_in = math.prod(shape[1:])
            noise = torch.randn(count, generator=generator)
            theta[first:first + count] = noise * math.sqrt((2 if active else 1) / fan_in)
    return theta


class Tracked(Net):
    """A network that follows the statistics of its ghost batches."""

    def forward(self, theta, x):
        self.seen = []
        return super().forward(theta, x)

    def _norm(self, i, x, gain, shift):
        if self.mode == TRAIN:
            with torch.no_grad():
                total = torch.zeros(2, x.shape[1])
                for part in x.split(self.ghost):
                    variance, mean = torch.var_mean(part, (0, 2, 3))
                    total += torch.stack([mean, variance]) * len(part)
                self.seen.append((total / len(x)).T.reshape(-1))
        return super()._norm(i, x, gain, shift)


def crop_flip(x, generator):
    """Return the images, each cut at random from itself with a black rim of REACH pixels, and every
    other one mirrored."""
    count, channels, height, width = x.shape
    down, right = torch.randint(0, 2 * REACH + 1, (2, count, 1), generator=generator)
    flip = torch.rand((count, 1), generator=generator) < 0.5
    along = torch.arange(width)
    columns = right + torch.where(flip, width - 1 - along, along)
    lines = down + torch.arange(height)
    image = torch.arange(count).view(-1, 1, 1, 1)
    channel = torch.arange(channels).view(1, -1, 1, 1)
    return torch.nn.functional.pad(x, (REACH,) * 4)[image, channel, lines[:, None, :, None],
                                                   columns[:, None, None, :]]


def pytorch(folder, rows, epochs, seed, augment):
    """Train in PyTorch; return accuracy and seconds."""
    x, y, test_x, test_y = load(folder, rows)
    generator = torch.Generator().manual_seed(seed)
    net = Tracked(by_name(MODEL, 10), (3, 32, 32), ghost=GHOST)
    leaves = net.leaves(weights(net, generator))
    optimiser = torch.optim.SGD(leaves.values(), LR, MOMENTUM, weight_decay=DECAY)
    net.statistics = torch.zeros(2 * sum(c for _, c in net.channels))
    net.statistics[1::2] = 1
    begin = time.perf_counter()
    for epoch in range(epochs):
        for group in optimiser.param_groups:
            group["lr"] = LR * 0.2 ** ((epoch >= epochs // 2) + (epoch >= 3 * epochs // 4))
        for batch in torch.randperm(len(x), generator=generator).split(BATCH):
            optimiser.zero_grad()
            images = crop_flip(x[batch], generator) if augment else x[batch]
            net.row_losses(net.forward(leaves, images), y[batch]).backward()
            optimiser.step()
            net.statistics += 0.1 * (torch.cat(net.seen) - net.statistics)
    net.mode = 1
    with torch.no_grad():
        right = sum(int((net.forward(leaves, a).argmax(1) == b).sum())
                    for a, b in zip(test_x.split(EVALUATED), test_y.split(EVALUATED)))
    return right / len(test_x), time.perf_counter() - begin


def ours(build, folder, rows, epochs, seed, augment):
    """Train with absa-train; return accuracy and seconds."""
    program = os.path.join(build, "examples", "train", "absa-train")
    out = subprocess.run(
        [program, "--data", "cifar10", "--data-dir", folder, "--model", MODEL, "--strategy", "bl",
         "--batch", str(BATCH), "--batch-max", str(BATCH), "--lr", str(LR), "--momentum",
         str(MOMENTUM), "--weight-decay", str(DECAY), "--epochs", str(epochs), "--train-limit",
         str(rows), "--seed", str(seed), "--augment", "crop-flip" if augment else "none"], check=True, stdout=subprocess.PIPE, text=True).stdout
    last = out.splitlines()[-1].split()
    assert last[:2] == ["test", "accuracy"], out
    return float(last[2]) / 100, float(last[-2])


def main():
    """Train both for several seeds and print what they reach."""
    parser = argparse.ArgumentParser(description="The same training here and in PyTorch.")
    parser.add_argument("build", help="build directory")
    data = os.environ.get("ABSA_TEST_DATA")
    parser.add_argument("folder", nargs="?", default=data and os.path.join(data, "cifar10"))
    for name, default in (("rows", 5000), ("epochs", 10), ("seeds", 3)):
        parser.add_argument(name, nargs="?", type=int, default=default)
    parser.add_argument("--augment", action="store_true", help="crop and flip training images")
    o = parser.parse_args()
    if not o.folder:
        print("# skipped: ABSA_TEST_DATA is not set")
        return
    torch.set_num_threads(1)
    print(f"# {MODEL}, {o.rows} rows, {o.epochs} epochs, batch {BATCH}, "
          f"{'crops and flips' if o.augment else 'images as they are'}; "
          f"PyTorch {torch.__version__}")
    print("seed   absa-train / %  seconds   PyTorch / %  seconds")
    found = ([], [])
    for seed in range(o.seeds):
        what = (o.folder, o.rows, o.epochs, seed, o.augment)
        a, b = ours(o.build, *what), pytorch(*what)
        for side, result in zip(found, (a, b)):
            side.append(100 * result[0])
        print(f"{seed:4} {100 * a[0]:16.2f} {a[1]:8.1f} {100 * b[0]:13.2f} {b[1]:8.1f}", flush=True)
    print(f"mean {statistics.mean(found[0]):16.2f} {'':8} {statistics.mean(found[1]):13.2f}")


if __name__ == "__main__":
    main()
