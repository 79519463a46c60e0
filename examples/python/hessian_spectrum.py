"""The outermost Hessian eigenvalues of a PyTorch model, each with its interval."""

import argparse

import torch
from torch import nn
from torch.nn import functional as F

import absa.torch


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--k", type=int, default=3, help="eigenvalues (3)")
    parser.add_argument("--which", choices=("la", "sa", "lm", "both"), default="la",
                        help="largest, smallest, largest magnitude, or both ends (la)")
    parser.add_argument("--params", default="*", help="name pattern of parameters (*)")
    parser.add_argument("--mode", choices=("hvp", "ggn"), default="hvp",
                        help="Hessian or Gauss-Newton (hvp)")
    parser.add_argument("--plot", metavar="FILE", help="draw the intervals (needs matplotlib)")
    o = parser.parse_args()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(20, 30), nn.Tanh(), nn.Linear(30, 4))
    x = torch.randn(256, 20)
    y = (x[:, :4] + 0.5 * torch.randn(256, 4)).argmax(1)
    opt = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(100):
        opt.zero_grad()
        F.cross_entropy(model(x), y).backward()
        opt.step()
    try:
        hessian = absa.torch.Hessian(model, F.cross_entropy, [(x, y)], params=o.params, mode=o.mode)
        result = hessian.top(k=o.k, which=o.which.upper(), rule="certified")
    except (ValueError, absa.Error) as problem:
        parser.error(str(problem))
    print(result)
    if o.plot:
        from absa import plot
        plot.pairs(result).figure.savefig(o.plot)


if __name__ == "__main__":
    main()
