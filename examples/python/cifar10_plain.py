"""A plain PyTorch loop on CIFAR-10; cifar10_adaptive.py is the same with libabsa."""

import torch
from torch.nn import functional as F

import cifar10_common as common


def main():
    o, data, test = common.options(__doc__)
    net = common.network(o.seed)
    opt = torch.optim.SGD(net.parameters(), lr=o.lr, momentum=0.9)
    torch.manual_seed(o.seed)
    loader = torch.utils.data.DataLoader(data, o.batch, shuffle=True)
    updates = 0
    for epoch in range(o.epochs):
        common.progress(epoch, o.epochs)
        for x, y in loader:
            F.cross_entropy(net(x), y).backward()
            opt.step()
            opt.zero_grad()
            updates += 1
    common.finish(net, test, updates)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("interrupted") from None
