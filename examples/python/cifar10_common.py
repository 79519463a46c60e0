"""What the two CIFAR-10 loops share: the data in its official binary format, a small network, the
command line, and the line that they end with."""

import argparse
import os
import sys

import numpy
import torch
from torch import nn

FILES = [f"data_batch_{i}.bin" for i in range(1, 6)]
RECORD = 1 + 3 * 32 * 32


def read(folder, names, rows):
    """Images in [0, 1] less 0.5, and labels, of the first rows records of these files."""
    parts, left = [], rows
    for name in names:
        path = os.path.join(folder, name)
        raw = numpy.fromfile(path, numpy.uint8)
        if raw.size == 0 or raw.size % RECORD:
            raise OSError(f"{path}: {raw.size} bytes are no records of {RECORD}")
        parts.append(raw.reshape(-1, RECORD)[:left])
        left -= len(parts[-1])
        if left == 0:
            break
    all_rows = numpy.concatenate(parts)
    images = torch.from_numpy(all_rows[:, 1:].reshape(-1, 3, 32, 32).astype(numpy.float32) / 255 - 0.5)
    return torch.utils.data.TensorDataset(images, torch.from_numpy(all_rows[:, 0].astype(numpy.int64)))


def network(seed):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.Tanh(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(32 * 8 * 8, 10))


def options(text):
    parser = argparse.ArgumentParser(description=text)
    parser.add_argument("--data", required=True, metavar="DIR",
                        help="folder of data_batch_1.bin to 5 and test_batch.bin")
    parser.add_argument("--rows", type=int, default=50000, help="images to train on (50000)")
    parser.add_argument("--test-rows", type=int, default=10000, help="images to test on (10000)")
    parser.add_argument("--epochs", type=int, default=10, help="passes over the data (10)")
    parser.add_argument("--batch", type=int, default=64, help="images a forward pass (64)")
    parser.add_argument("--lr", type=float, default=0.05, help="learning rate (0.05)")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    for name in ("rows", "test_rows", "epochs", "batch"):
        if getattr(given, name) < 1:
            parser.error(f"--{name.replace('_', '-')} must be at least 1")
    try:
        return given, read(given.data, FILES, given.rows), read(given.data, ["test_batch.bin"],
                                                                given.test_rows)
    except OSError as problem:
        parser.error(str(problem))


def progress(epoch, epochs):
    """On a terminal alone."""
    if sys.stderr.isatty():
        print(f"\repoch {epoch + 1} of {epochs}\033[K", end="", file=sys.stderr, flush=True)


def finish(net, test, updates):
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    with torch.no_grad():
        right = sum(int((net(x).argmax(1) == y).sum())
                    for x, y in torch.utils.data.DataLoader(test, 500))
    print(f"accuracy {100 * right / len(test):.2f} %  updates {updates}")
