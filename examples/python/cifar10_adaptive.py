"""cifar10_plain.py with libabsa: the batch grows where the loss is flat, some inputs are attacked."""

import torch
from torch.nn import functional as F

import absa.torch
import cifar10_common as common


def main():
    o, data, test = common.options(__doc__)
    net = common.network(o.seed)
    opt = torch.optim.SGD(net.parameters(), lr=o.lr, momentum=0.9)
    torch.manual_seed(o.seed)
    probe = [next(iter(torch.utils.data.DataLoader(data, min(512, len(data)))))]
    hessian = absa.torch.Hessian(net, F.cross_entropy, probe)
    ab = absa.torch.AdaptiveBatch(opt, samples=len(data), micro=o.batch, batch_max=16 * o.batch,
                                  epochs=o.epochs, hessian=hessian)
    loader = torch.utils.data.DataLoader(data, batch_sampler=ab.sampler(seed=o.seed))
    updates = 0
    for epoch in range(o.epochs):
        common.progress(epoch, o.epochs)
        for x, y in ab.micro_batches(loader):
            x = ab.perturb(x, y)
            (F.cross_entropy(net(x), y) * ab.weight).backward()
            if ab.last:
                ab.step()
                opt.zero_grad()
                updates += 1
        ab.end_epoch()
    common.finish(net, test, updates)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("interrupted") from None
