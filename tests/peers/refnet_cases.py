"""The networks whose values are stored in tests/refnet/torch_values.txt, and the file's format: for
each network its options and layers, then the loss, and of each derivative its norm, products with
hashed vectors, and chosen elements. The file lists the layers of networks by name too; the library
builds those by their names."""

import torch

from refnet_torch import (ADD, AVERAGE_POOL, CONV, DENSE, EVALUATE, FLATTEN, GELU, GLOBAL_POOL,
                          LOGISTIC, MAX_POOL, NORM, RELU, SOFTMAX, SOFTPLUS, SQUARED, TANH, TRAIN,
                          FIELDS, Net, Point, by_name, layer, unit)

VECTORS = ("gradient", "input", "hvp", "gnvp")
PRODUCTS, ELEMENTS = 4, 12


def case(name, layers, shape, rows=5, loss=SOFTMAX, decay=0.0, ghost=32, mode=TRAIN, named=None,
         activation=RELU):
    """Return a case; layers may be None for a network by name."""
    outputs = 10 if named and loss != LOGISTIC else 1
    return {"name": name, "layers": layers or by_name(named, outputs, activation), "shape": shape,
            "rows": rows, "loss": loss, "decay": decay, "ghost": ghost, "mode": mode,
            "named": named, "activation": activation, "outputs": outputs}


def dense_pair(kind, outputs=3):
    """Return a network whose only curvature of its own is the activation's."""
    return [layer(DENSE, 7), layer(kind), layer(DENSE, 6), layer(kind), layer(DENSE, outputs)]


def image(*middle, outputs=3):
    """Return a convolution, tanh, the layers to be tested, and a dense layer."""
    return [layer(CONV, 3, 3), layer(TANH), *middle, layer(DENSE, outputs)]


def cases():
    """Return all cases."""
    vector, picture = (5, 1, 1), (2, 8, 7)
    found = [
        case("dense-softmax", [layer(DENSE, 4)], vector),
        case("dense-softmax-decay", [layer(DENSE, 4)], vector, decay=0.1),
        case("dense-logistic", [layer(DENSE, 1)], vector, loss=LOGISTIC, decay=0.01),
        case("dense-squared", [layer(DENSE, 3)], vector, loss=SQUARED),
        case("dense-no-bias", [layer(DENSE, 6, no_bias=1), layer(TANH), layer(DENSE, 3, no_bias=1)],
             vector),
        case("logistic-deep", dense_pair(TANH, 1), vector, loss=LOGISTIC),
        case("squared-deep", dense_pair(TANH, 2), vector, loss=SQUARED, decay=0.02),
    ]
    for name, kind in (("relu", RELU), ("tanh", TANH), ("softplus", SOFTPLUS), ("gelu", GELU)):
        found.append(case(name, dense_pair(kind), vector, rows=9))
    for size, stride, padding in ((1, 1, 0), (1, 2, 0), (2, 1, 1), (3, 1, 0), (3, 1, 1), (3, 2, 1),
                                  (3, 3, 2), (5, 1, 2), (5, 2, 4), (4, 3, 3)):
        found.append(case(f"conv-{size}-stride-{stride}-padding-{padding}",
                          [layer(CONV, 3, 3, padding=1), layer(TANH),
                           layer(CONV, 5, size, stride, padding), layer(TANH), layer(DENSE, 3)],
                          picture, rows=19))
    found += [
        case("conv-no-bias", [layer(CONV, 4, 3, 2, 1, 1), layer(GELU), layer(DENSE, 3)], picture),
        case("conv-many-channels", [layer(CONV, 21, 3, 1, 1), layer(SOFTPLUS),
                                    layer(CONV, 18, 3, 1, 1), layer(GLOBAL_POOL), layer(DENSE, 4)],
             (17, 5, 6), rows=35),
        case("max-pool", image(layer(MAX_POOL, size=2)), picture),
        case("max-pool-overlapping", image(layer(MAX_POOL, size=3, stride=2)), picture),
        case("average-pool", image(layer(AVERAGE_POOL, size=2)), picture),
        case("average-pool-overlapping", image(layer(AVERAGE_POOL, size=3, stride=1)), picture),
        case("global-pool", image(layer(GLOBAL_POOL)), picture),
        case("flatten", image(layer(FLATTEN), layer(DENSE, 5), layer(TANH)), picture),
        case("add", image(layer(CONV, 3, 3, padding=1), layer(ADD, other=2), layer(GELU)), picture),
        case("norm-train", image(layer(NORM), layer(TANH)), picture, ghost=5),
        case("norm-ghosts", image(layer(NORM), layer(TANH)), picture, rows=11, ghost=4, decay=0.01),
        case("norm-evaluate", image(layer(NORM), layer(TANH)), picture, mode=EVALUATE),
        case("norm-vectors", [layer(DENSE, 6), layer(NORM), layer(SOFTPLUS), layer(DENSE, 1)],
             vector, rows=8, ghost=4, loss=LOGISTIC),
        case("norm-relu-add", image(layer(NORM), layer(RELU), layer(CONV, 3, 1), layer(NORM),
                                    layer(ADD, other=4), layer(RELU), layer(GLOBAL_POOL)),
             picture, rows=8, ghost=4),
        case("logreg", None, (1, 28, 28), rows=8, named="logreg", decay=5e-4),
        case("logreg-logistic", None, (22, 1, 1), rows=8, named="logreg", loss=LOGISTIC),
        case("mlp", None, (1, 28, 28), rows=8, named="mlp"),
        case("mlp-gelu", None, (1, 28, 28), rows=8, named="mlp", activation=GELU, decay=1e-3),
        case("lenet", None, (1, 28, 28), rows=17, named="lenet"),
        case("lenet-colour-softplus", None, (3, 32, 32), rows=4, named="lenet", activation=SOFTPLUS),
        case("resnet8", None, (3, 32, 32), rows=8, ghost=4, named="resnet8", decay=5e-4),
        case("resnet8-evaluate", None, (3, 32, 32), rows=4, mode=EVALUATE, named="resnet8"),
        case("resnet8-tanh", None, (1, 28, 28), rows=6, ghost=4, named="resnet8", activation=TANH),
        case("resnet20", None, (3, 32, 32), rows=4, ghost=2, named="resnet20"),
        case("resnet20-squared", None, (3, 16, 16), rows=4, ghost=4, named="resnet20", loss=SQUARED),
    ]
    return found


def net_of(c):
    """Return the case's network in PyTorch."""
    return Net(c["layers"], c["shape"], c["loss"], c["decay"], c["ghost"], c["mode"])


def chosen(count):
    """Return the indices of the elements that are stored: the first, the last, and some between."""
    return [(count - 1) * k // (ELEMENTS - 1) for k in range(ELEMENTS)]


def summary(vector):
    """Return what is stored of a derivative: norm, products, elements."""
    products = [float(vector @ unit(10 + k, len(vector))) for k in range(PRODUCTS)]
    return [float((vector @ vector) ** 0.5), *products, *(float(vector[i]) for i in chosen(len(vector)))]


def values(c):
    """Return PyTorch's loss, and the summaries of its derivatives by name."""
    net = net_of(c)
    found = net.derivatives(*Point(net, c["rows"]).tensors(net))
    return found[0], {name: summary(torch.flatten(x).numpy())
                      for name, x in zip(VECTORS, found[1:])}


def describe(c):
    """Return the lines that say what the network is."""
    options = {"loss": c["loss"], "channels": c["shape"][0], "height": c["shape"][1],
               "width": c["shape"][2], "rows": c["rows"], "decay": c["decay"], "ghost": c["ghost"],
               "mode": c["mode"]}
    lines = ["network " + c["name"], "options " + " ".join(f"{v:g}" for v in options.values())]
    if c["named"]:
        return lines + [f"named {c['named']} {c['outputs']} {c['activation']}"]
    return lines + ["layer " + " ".join(str(l[f]) for f in FIELDS) for l in c["layers"]]


def write(path):
    """Compute and write the values of all cases."""
    with open(path, "w", encoding="ascii") as out:
        print("# Values of PyTorch", torch.__version__.split("+")[0], "in double precision, written by",
              "tests/peers/make_refnet_values.py.", file=out)
        print("# options: loss channels height width rows decay ghost mode; layer: the fields of",
              "absa_refnet_layer; named: name outputs activation.", file=out)
        print(f"# vectors: norm, {PRODUCTS} products with hashed vectors, {ELEMENTS} elements.", file=out)
        for c in cases():
            loss, vectors = values(c)
            print(*describe(c), f"value loss {loss!r}", sep="\n", file=out)
            for name in VECTORS:
                print("value", name, *(f"{x:.17g}" for x in vectors[name]), file=out)


def read(path):
    """Return {name: (description lines, loss, {vector: numbers})} of a file."""
    found, name = {}, None
    with open(path, encoding="ascii") as text:
        for line in text:
            words = line.split()
            if words[0] == "network":
                name = words[1]
                found[name] = ([], [], {})
            if words[0] in ("network", "options", "named", "layer"):
                found[name][0].append(line.strip())
            elif words[:2] == ["value", "loss"]:
                found[name][1].append(float(words[2]))
            elif words[0] == "value":
                found[name][2][words[1]] = [float(w) for w in words[2:]]
    return {k: (lines, loss[0], vectors) for k, (lines, loss, vectors) in found.items()}
