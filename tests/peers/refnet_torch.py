"""The reference network in PyTorch: the same layers over one flat parameter vector, with the loss,
its derivatives and the products, all by PyTorch's own operators and autograd. Numbers for tests come
from a hash that C and Python compute alike, so that no inputs need to be stored."""

import math

import numpy
import torch
import torch.nn.functional as F

DENSE, CONV, RELU, TANH, SOFTPLUS, GELU, MAX_POOL, AVERAGE_POOL, GLOBAL_POOL, FLATTEN, ADD, NORM = range(1, 13)
SOFTMAX, LOGISTIC, SQUARED = range(3)
TRAIN, EVALUATE = range(2)
FIELDS = ("kind", "units", "size", "stride", "padding", "no_bias", "source", "other")
EPSILON = 1e-5


def layer(kind, units=0, size=0, stride=0, padding=0, no_bias=0, source=0, other=0):
    """Return a layer as a dict with the fields of absa_refnet_layer."""
    return dict(zip(FIELDS, (kind, units, size, stride, padding, no_bias, source, other)))


def mlp(outputs, hidden=(256, 128), activation=RELU):
    """Return the layers of the network named mlp."""
    layers = []
    for width in hidden:
        layers += [layer(DENSE, width), layer(activation)]
    return layers + [layer(DENSE, outputs)]


def lenet(outputs, activation=RELU):
    """Return the layers of the network named lenet."""
    return [layer(CONV, 6, 5, padding=2), layer(activation), layer(MAX_POOL, size=2),
            layer(CONV, 16, 5), layer(activation), layer(MAX_POOL, size=2), layer(FLATTEN),
            layer(DENSE, 120), layer(activation), layer(DENSE, 84), layer(activation),
            layer(DENSE, outputs)]


def resnet(outputs, blocks, activation=RELU):
    """Return the layers of resnet8 (one block a stage) or resnet20 (three)."""
    layers = []

    def normalised(units, size, stride=1, source=0, active=True):
        layers.append(layer(CONV, units, size, stride, size // 2, 1, source))
        layers.append(layer(NORM))
        if active:
            layers.append(layer(activation))

    normalised(16, 3)
    for stage in range(3):
        for block in range(blocks):
            begin, units, reduces = len(layers), 16 << stage, stage > 0 and block == 0
            if reduces:
                normalised(units, 1, 2, active=False)
            shortcut = len(layers)
            normalised(units, 3, 2 if reduces else 1, begin)
            normalised(units, 3, active=False)
            layers.append(layer(ADD, other=shortcut))
            layers.append(layer(activation))
    return layers + [layer(GLOBAL_POOL), layer(DENSE, outputs)]


def by_name(name, outputs, activation=RELU):
    """Return the layers of a network by name."""
    return {"logreg": lambda: [layer(DENSE, outputs)],
            "mlp": lambda: mlp(outputs, activation=activation),
            "lenet": lambda: lenet(outputs, activation),
            "resnet8": lambda: resnet(outputs, 1, activation),
            "resnet20": lambda: resnet(outputs, 3, activation)}[name]()


class Net:
    """Layers with shapes, and where each keeps its parameters in theta."""

    def __init__(self, layers, shape, loss=SOFTMAX, weight_decay=0.0, ghost=32, mode=TRAIN):
        self.layers, self.loss, self.weight_decay = layers, loss, weight_decay
        self.ghost, self.mode, self.shape = ghost, mode, tuple(shape)
        self.ranges, self.n = [], 0  # (layer, role, first, shape)
        self.channels, self.statistics = [], None  # of batch normalisations
        shapes = [self.shape]
        for i, l in enumerate(layers, 1):
            shapes.append(self._shape(i, l, shapes))
        self.shapes = shapes
        self.outputs = math.prod(shapes[-1])
        self.at = {(r[0], r[1]): r for r in self.ranges}

    def _node(self, i, source):
        return 0 if source == -1 else source or i - 1

    def _append(self, i, role, shape):
        self.ranges.append((i, role, self.n, shape))
        self.n += math.prod(shape)

    def _shape(self, i, l, shapes):
        c, h, w = shapes[self._node(i, l["source"])]
        kind, size = l["kind"], l["size"]
        if kind == DENSE:
            self._append(i, "weight", (l["units"], c * h * w))
            if not l["no_bias"]:
                self._append(i, "bias", (l["units"],))
            return (l["units"], 1, 1)
        if kind in (CONV, MAX_POOL, AVERAGE_POOL):
            stride = l["stride"] or (1 if kind == CONV else size)
            out = [(s + 2 * l["padding"] - size) // stride + 1 for s in (h, w)]
            if kind == CONV:
                self._append(i, "weight", (l["units"], c, size, size))
                if not l["no_bias"]:
                    self._append(i, "bias", (l["units"],))
                c = l["units"]
            return (c, *out)
        if kind == NORM:
            self._append(i, "gain", (c,))
            self._append(i, "shift", (c,))
            self.channels.append((i, c))
        return {GLOBAL_POOL: (c, 1, 1), FLATTEN: (c * h * w, 1, 1)}.get(kind, (c, h, w))

    def _parameter(self, theta, i, role):
        if isinstance(theta, dict):
            return theta.get((i, role))
        if (i, role) not in self.at:
            return None
        _, _, first, shape = self.at[i, role]
        return theta[first:first + math.prod(shape)].view(shape)

    def leaves(self, theta):
        """Return the parameters as tensors of their own, as modules keep them, by layer and role.
        forward() takes them in place of theta, and autograd is faster with them."""
        return {at: self._parameter(theta, *at).detach().clone().requires_grad_() for at in self.at}

    def macs(self):
        """Return the multiplications of a row's forward pass that are products of matrices, and
        how many of them the layers do that read the input, for which no gradient goes on."""
        total = first = 0
        for i, role, _, shape in self.ranges:
            if role == "weight":
                count = math.prod(shape) * math.prod(self.shapes[i][1:])
                total += count
                first += count if self._node(i, self.layers[i - 1]["source"]) == 0 else 0
        return total, first

    def _norm(self, i, x, gain, shift):
        if self.mode == TRAIN:
            parts = [F.batch_norm(part, None, None, gain, shift, True, 0.1, EPSILON)
                     for part in x.split(self.ghost)]
            return parts[0] if len(parts) == 1 else torch.cat(parts)
        before = sum(c for j, c in self.channels if j < i)
        count = gain.numel()
        own = self.statistics[2 * before:2 * (before + count)]
        return F.batch_norm(x, own[0::2], own[1::2], gain, shift, False, 0.1, EPSILON)

    def forward(self, theta, x):
        """Return the outputs for rows x."""
        values = [x.view(-1, *self.shape)]
        for i, l in enumerate(self.layers, 1):
            a, kind, size = values[self._node(i, l["source"])], l["kind"], l["size"]
            one = (a.shape[0], -1, 1, 1)
            if kind == DENSE:
                y = F.linear(a.flatten(1), self._parameter(theta, i, "weight"),
                             self._parameter(theta, i, "bias")).view(one)
            elif kind == CONV:
                y = F.conv2d(a, self._parameter(theta, i, "weight"), self._parameter(theta, i, "bias"),
                             l["stride"] or 1, l["padding"])
            elif kind == MAX_POOL:
                y = F.max_pool2d(a, size, l["stride"] or size)
            elif kind == AVERAGE_POOL:
                y = F.avg_pool2d(a, size, l["stride"] or size)
            elif kind == ADD:
                y = a + values[self._node(i, l["other"])]
            elif kind == NORM:
                y = self._norm(i, a, self._parameter(theta, i, "gain"),
                               self._parameter(theta, i, "shift"))
            else:
                y = {RELU: F.relu, TANH: torch.tanh, SOFTPLUS: F.softplus, GELU: F.gelu,
                     GLOBAL_POOL: lambda z: z.mean((2, 3), keepdim=True),
                     FLATTEN: lambda z: z.flatten(1).view(z.shape[0], -1, 1, 1)}[kind](a)
            values.append(y)
        return values[-1].flatten(1)

    def row_losses(self, z, y, reduction="mean"):
        """Return the loss of outputs z, without the weight-decay term."""
        if self.loss == SOFTMAX:
            return F.cross_entropy(z, y, reduction=reduction)
        if self.loss == LOGISTIC:
            return F.binary_cross_entropy_with_logits(z[:, 0], y.to(z.dtype), reduction=reduction)
        total = ((z - y) ** 2).sum() / 2
        return total / z.shape[0] if reduction == "mean" else total

    def total(self, theta, x, y):
        """Return the loss: mean over the rows plus the weight-decay term."""
        decay = self.weight_decay / 2 * (theta @ theta) if self.weight_decay else 0
        return self.row_losses(self.forward(theta, x), y) + decay

    def derivatives(self, theta, x, y, v):
        """Return loss, gradient, input gradient, Hv and Gv."""
        theta = theta.detach().requires_grad_()
        loss = self.total(theta, x, y)
        (gradient,) = torch.autograd.grad(loss, theta, create_graph=True)
        (hv,) = torch.autograd.grad(gradient, theta, v)
        moved = x.detach().requires_grad_()
        each = self.row_losses(self.forward(theta.detach(), moved), y, "sum")
        (in_x,) = torch.autograd.grad(each, moved)
        return (loss.item(), gradient.detach(), in_x, hv, self.gauss_newton(theta, x, y, v))

    def gauss_newton(self, theta, x, y, v):
        """Return Gv: forward along v as the derivative of J'u in u, the loss's Hessian, and back."""
        z = self.forward(theta, x)
        u = torch.zeros_like(z, requires_grad=True)
        (back,) = torch.autograd.grad(z, theta, u, create_graph=True)
        (jv,) = torch.autograd.grad(back, u, v)
        outputs = z.detach().requires_grad_()
        (delta,) = torch.autograd.grad(self.row_losses(outputs, y), outputs, create_graph=True)
        (along,) = torch.autograd.grad(delta, outputs, jv)
        (gv,) = torch.autograd.grad(z, theta, along)
        return gv + self.weight_decay * v


def unit(seed, count):
    """Return numbers in [-1, 1) that depend on seed and index alone; tests/refnet/test_refnet_torch.c
    computes the same."""
    with numpy.errstate(over="ignore"):
        z = numpy.arange(1, count + 1, dtype=numpy.uint64) * numpy.uint64(0x9E3779B97F4A7C15)
        z += numpy.uint64(seed) * numpy.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> numpy.uint64(29))) * numpy.uint64(0x94D049BB133111EB)
        z ^= z >> numpy.uint64(32)
    return (z >> numpy.uint64(11)).astype(numpy.float64) * 2.0**-52 - 1


class Point:
    """The numbers at which a network is differentiated: theta, x, y, v and running statistics."""

    def __init__(self, net, rows):
        self.rows = rows
        self.theta = unit(1, net.n)
        for _, role, first, shape in net.ranges:
            part = self.theta[first:first + math.prod(shape)]
            part *= math.sqrt(6 / math.prod(shape[1:])) if role == "weight" else 0.25
            part += role == "gain"
        self.x = unit(2, rows * math.prod(net.shape))
        self.v = unit(3, net.n)
        classes = 2 if net.loss == LOGISTIC else net.outputs
        self.labels = ((unit(4, rows) + 1) / 2 * classes).astype(numpy.int32)
        self.targets = unit(5, rows * net.outputs)
        self.statistics = unit(6, 2 * sum(c for _, c in net.channels)) / 4
        self.statistics[1::2] += 1
        self.y = self.targets if net.loss == SQUARED else self.labels

    def tensors(self, net, dtype=torch.float64):
        """Return theta, x, y, v as tensors, and give the network its statistics."""
        net.statistics = torch.tensor(self.statistics, dtype=dtype)
        x = torch.tensor(self.x, dtype=dtype).view(self.rows, -1)
        y = (torch.tensor(self.targets, dtype=dtype).view(self.rows, -1) if net.loss == SQUARED
             else torch.tensor(self.labels, dtype=torch.int64))
        return torch.tensor(self.theta, dtype=dtype), x, y, torch.tensor(self.v, dtype=dtype)
