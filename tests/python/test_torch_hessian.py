"""Products of absa.torch.Hessian against full matrices of torch, and what they leave behind."""

import copy
import os
import pickle
import sys

import numpy
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import absa
from absa.torch import AdaptiveBatch, Hessian

HERE = os.path.dirname(os.path.abspath(__file__))


class Tied(nn.Module):
    """Two layers that share a weight, one frozen and one unused."""

    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 4, bias=False)
        self.b = nn.Linear(4, 4)
        self.b.weight = self.a.weight
        self.frozen = nn.Linear(4, 4).requires_grad_(False)
        self.unused = nn.Linear(2, 2)
        self.out = nn.Linear(4, 3)

    def forward(self, x):
        return self.out(torch.tanh(self.frozen(torch.tanh(self.b(torch.tanh(self.a(x)))))))


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.mix = nn.Linear(4, 12)
        self.out = nn.Linear(4, 3)

    def forward(self, x):
        q, k, v = self.mix(x.view(-1, 1, 4).repeat(1, 3, 1)).chunk(3, -1)
        with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
            return self.out(F.scaled_dot_product_attention(q, k, v).mean(1))


MODELS = {
    "mlp": lambda: nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Dropout(0.5), nn.Linear(5, 3)),
    "norm": lambda: nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Softplus(),
                                  nn.Linear(5, 3)),
    "conv": lambda: nn.Sequential(nn.Unflatten(1, (1, 2, 2)), nn.Conv2d(1, 2, 2, padding=1),
                                  nn.GELU(), nn.Flatten(), nn.Linear(18, 3)),
    "tied": Tied,
    "attention": Attention,
}


def made(name, dtype=torch.float64):
    torch.manual_seed(0)
    return MODELS[name]().to(dtype)


def batches(sizes=(6, 3), dtype=torch.float64):
    generator = torch.Generator().manual_seed(1)
    return [(torch.randn(rows, 4, generator=generator, dtype=dtype),
             torch.randint(0, 3, (rows,), generator=generator)) for rows in sizes]


def whole(model, probe, bn="eval"):
    """Return the full Hessian, in the order of the trainable parameters: reverse over reverse, for
    torch's forward derivative of batch normalisation's backward pass is none (not symmetric)."""
    model = copy.deepcopy(model).eval()
    if bn == "batch":
        for module in model.modules():
            module.training = isinstance(module, nn.BatchNorm1d)
            if isinstance(module, nn.BatchNorm1d):
                module.track_running_stats = False
                module.running_mean = module.running_var = None
    named = {name: p.detach() for name, p in model.named_parameters() if p.requires_grad}

    def loss(flat):
        at, values = 0, {}
        for name, p in named.items():
            values[name] = flat[at:at + p.numel()].view(p.shape)
            at += p.numel()
        if "a.weight" in values and "b.bias" in values:
            values["b.weight"] = values["a.weight"]
        total = sum(F.cross_entropy(torch.func.functional_call(model, values, (x,)), y) * len(x)
                    for x, y in probe)
        return total / sum(len(x) for x, _ in probe)
    flat = torch.cat([p.reshape(-1) for p in named.values()])
    return torch.autograd.functional.hessian(loss, flat).numpy()


def dense(hessian):
    """Return the matrix of an operator, product by product."""
    n = hessian.n
    columns = [hessian.matvec(unit) for unit in numpy.eye(n)]
    return numpy.array(columns).T


@pytest.mark.parametrize("name", MODELS)
def test_products_are_those_of_the_full_hessian(name):
    model, probe = made(name), batches()
    found = dense(Hessian(model, F.cross_entropy, probe))
    # Double precision, a few hundred operations a number.
    assert numpy.allclose(found, whole(model, probe), rtol=1e-10, atol=1e-12)


def test_batch_statistics_are_the_batchs_where_asked_for():
    model, probe = made("norm"), batches((6,))
    before = copy.deepcopy(model.state_dict())
    found = dense(Hessian(model, F.cross_entropy, probe, bn="batch"))
    assert numpy.allclose(found, whole(model, probe, "batch"), rtol=1e-9, atol=1e-12)
    assert not numpy.allclose(found, whole(model, probe), rtol=1e-3, atol=1e-3)
    for key, value in model.state_dict().items():
        assert torch.equal(value, before[key]), key


@pytest.mark.parametrize("name", ["mlp", "conv", "tied"])
def test_gauss_newton_products_are_jlj(name):
    model, probe = made(name), batches((5,))
    hessian = Hessian(model, F.cross_entropy, probe, mode="ggn")
    (x, _), = probe
    model.eval()
    outputs = model(x)
    rows = []
    for z in outputs.reshape(-1):
        parts = torch.autograd.grad(z, hessian._layout.parameters, retain_graph=True,
                                    allow_unused=True)
        rows.append(torch.cat([torch.zeros(p.numel()).double() if g is None else g.reshape(-1)
                               for g, p in zip(parts, hessian._layout.parameters)]))
    jacobian = torch.stack(rows).view(5, 3, -1)
    p = outputs.softmax(1).detach()
    curvature = torch.diag_embed(p) - p[:, :, None] * p[:, None, :]
    want = torch.einsum("rok,rop,rpl->kl", jacobian, curvature, jacobian) / 5
    assert numpy.allclose(dense(hessian), want.numpy(), rtol=1e-9, atol=1e-12)


def test_differences_of_gradients_are_near_and_leave_the_model_as_it_was():
    model, probe = made("mlp"), batches()
    before = [p.detach().clone() for p in model.parameters()]
    places = [p.data_ptr() for p in model.parameters()]
    hessian = Hessian(model, F.cross_entropy, probe, mode="fd")
    exact = Hessian(model, F.cross_entropy, probe).top(rule="certified", tol=1e-4,
                                                       max_products=80).value
    found = hessian.top(memory="basis")
    assert found.heuristic and found.value == pytest.approx(exact, rel=2e-2)
    assert [p.data_ptr() for p in model.parameters()] == places
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), before))
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(3.0)
    moved = Hessian(model, F.cross_entropy, probe).top(rule="certified", tol=1e-4,
                                                       max_products=80).value
    assert hessian.top().value == pytest.approx(moved, rel=2e-2)


@pytest.mark.parametrize("name", ["mlp", "norm", "attention"])
def test_top_eigenvalues_are_those_of_the_matrix(name):
    model, probe = made(name), batches((20, 13))
    spectrum = numpy.linalg.eigvalsh(whole(model, probe))
    hessian = Hessian(model, F.cross_entropy, probe)
    found = hessian.top(k=2, rule="certified", tol=1e-5, max_products=150)
    assert numpy.allclose(found.values, spectrum[:-3:-1], rtol=1e-5)
    assert hessian.top(which="SA", rule="certified", tol=1e-3, max_products=150).value == \
        pytest.approx(spectrum[0], rel=1e-3, abs=1e-6)
    shifted = Hessian(model, F.cross_entropy, probe, weight_decay=0.5).top(tol=1e-3)
    assert shifted.value == pytest.approx(spectrum[-1] + 0.5, rel=2e-3)
    assert absa.eigenvalues(whole(model, probe), tol=1e-3).value == pytest.approx(
        hessian.top(tol=1e-3).value, rel=1e-9)
    assert hessian.check().good


def test_blocks_are_parts_of_the_matrix():
    model, probe = made("mlp"), batches()
    matrix = whole(model, probe)
    hessian = Hessian(model, F.cross_entropy, probe)
    last = hessian.block("last:1")
    assert last.names == ["3.weight", "3.bias"] and last.n == 18
    assert numpy.allclose(dense(last), matrix[-18:, -18:], rtol=1e-10, atol=1e-12)
    weights = Hessian(model, F.cross_entropy, probe, params="*.weight")
    assert weights.names == ["0.weight", "3.weight"]
    for wrong in ("last:0", "last:x", "9.*", []):
        with pytest.raises(ValueError):
            Hessian(model, F.cross_entropy, probe, params=wrong)
    by_name = hessian.vector_to_dict(numpy.arange(float(hessian.n)))
    assert by_name["3.bias"].tolist() == [40.0, 41.0, 42.0]


@pytest.mark.parametrize("mode", ["hvp", "ggn", "fd"])
def test_modes_gradients_and_random_state_stay_as_they_were(mode):
    model, probe = made("norm"), batches()
    model.train()
    model[1].eval()
    model(probe[0][0]).sum().backward()
    gradients = [p.grad.clone() for p in model.parameters()]
    state, buffers = torch.get_rng_state(), copy.deepcopy(model.state_dict())
    hessian = Hessian(model, F.cross_entropy, probe, mode=mode)
    hessian.top()

    def broken(output, target):
        raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        Hessian(model, broken, probe, mode=mode).top()
    assert model.training and not model[1].training and model[0].training
    assert all(torch.equal(p.grad, g) for p, g in zip(model.parameters(), gradients))
    assert torch.equal(torch.get_rng_state(), state)
    for key, value in model.state_dict().items():
        assert torch.equal(value, buffers[key])


def test_vectors_may_stay_tensors():
    model, probe = made("mlp", torch.float32), batches((9,), torch.float32)
    on_host = Hessian(model, F.cross_entropy, probe)
    tensors = Hessian(model, F.cross_entropy, probe, host=False)
    a, b = on_host.top(rule="fixed", max_products=12), tensors.top(rule="fixed", max_products=12)
    # The same start vector; sums in double on both sides, products in single precision.
    assert b.value == pytest.approx(a.value, rel=1e-5)
    assert torch.is_tensor(b.vectors[0])
    cosine = float(torch.dot(b.vectors[0], torch.from_numpy(a.vectors[0])))
    assert abs(cosine) == pytest.approx(1.0, abs=1e-4)
    v = torch.ones(tensors.n)
    assert torch.allclose(tensors.matvec(v), torch.from_numpy(on_host.matvec(v.numpy())),
                          atol=1e-5)


def test_no_vector_is_copied_on_the_cpu():
    model, probe = made("mlp"), batches()
    seen = []
    hessian = Hessian(model, F.cross_entropy, probe)
    split = hessian._layout.split
    hessian._layout.split = lambda v: seen.append(v.data_ptr()) or split(v)
    x = numpy.ones(hessian.n)
    hessian.matvec(x)
    assert seen[0] == x.ctypes.data


def test_dict_batches_and_token_counts():
    model, (first, second) = made("mlp"), batches()
    probe = [{"x": x, "y": y, "name": "a"} for x, y in (first, second)]

    def loss(output, batch):
        return F.cross_entropy(output, batch["y"]), 10 * len(batch["x"])
    found = Hessian(model, None, probe, forward=lambda m, b: m(b["x"]), loss=loss)
    assert numpy.allclose(dense(found), whole(model, [first, second]), rtol=1e-10, atol=1e-12)


def test_wrong_probes_are_refused():
    model, probe = made("mlp"), batches()
    with pytest.raises(TypeError, match="iterator"):
        Hessian(model, F.cross_entropy, iter(probe))
    with pytest.raises(ValueError, match="no batch"):
        Hessian(model, F.cross_entropy, [])
    with pytest.raises(ValueError, match="no sample"):
        Hessian(model, None, probe, forward=lambda m, b: m(b[0]),
                loss=lambda o, b: (o.sum(), 0)).top()
    with pytest.raises(ValueError, match="mode is 'exact'"):
        Hessian(model, F.cross_entropy, probe, mode="exact")
    with pytest.raises(TypeError, match="float32 or float64"):
        Hessian(made("mlp", torch.bfloat16), F.cross_entropy, probe)


def test_a_missing_second_derivative_is_explained():
    class Once(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1.0

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, g):
            return g

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(4, 3).double()

        def forward(self, x):
            return Once.apply(self.a(x))
    with pytest.raises(RuntimeError, match="mode='fd'"):
        Hessian(Model(), F.cross_entropy, batches()).top()
    Hessian(Model(), F.cross_entropy, batches(), mode="fd").top()


def test_a_training_measures_with_decide_and_hints():
    model, probe = made("mlp"), batches((32,))
    optimizer = torch.optim.SGD(model.parameters(), 0.5)
    ab = AdaptiveBatch(optimizer, 32, 8, 6, hessian=Hessian(model, F.cross_entropy, probe),
                       strategy="absa", epsilon=0.01, batch_max=32)
    x, y = probe[0]
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y),
                                         batch_sampler=ab.sampler())
    decisions = []
    for _ in range(ab.epoch, 6):
        for inputs, target in ab.micro_batches(loader):
            inputs = ab.perturb(inputs, target)
            (F.cross_entropy(model(inputs), target) * ab.weight).backward()
            if ab.last:
                ab.step()
                optimizer.zero_grad()
        decisions.append(ab.end_epoch())
        saved = ab.state_dict()
        if decisions[-1] is None:  # after the last epoch nothing is left to measure
            continue
        pair = []
        for state in (saved, pickle.loads(pickle.dumps(saved))):
            resumed = AdaptiveBatch(optimizer, 32, 8, 6, hessian=ab.hessian, strategy="absa",
                                    epsilon=0.01, batch_max=32)
            resumed.load_state_dict(state)
            pair.append((repr(resumed.measure()), resumed.result.value, resumed.result.stream))
        # The same operator, hint and random stream: the same measurement to the bit.
        assert pair[0] == pair[1] and pair[0][2] == ab.result.stream + 1
    assert decisions[0].reason == "first" and decisions.pop() is None  # nothing is left to grow
    assert all(d.products >= 1 for d in decisions)
    assert ab.result.rule == "decide" and ab.result.stream == 4


def test_a_mean_over_batches_is_of_each_batchs_own_eigenvalue():
    model, probe = made("mlp"), batches((6, 3, 4, 5))
    hessian = Hessian(model, F.cross_entropy, probe)
    options = {"rule": "certified", "tol": 1e-8, "max_products": 60}
    found = hessian.top(over_batches=3, **options)
    each = [Hessian(model, F.cross_entropy, [batch]).top(**options).value for batch in probe[:3]]
    assert found.values == pytest.approx(each, rel=1e-7)
    assert found.mean == pytest.approx((6 * each[0] + 3 * each[1] + 4 * each[2]) / 13, rel=1e-7)
    assert "3 batches" in repr(found) and found.lower < found.mean < found.upper
    whole_probe = Hessian(model, F.cross_entropy, probe).top(**options).value
    assert hessian.top(**options).value == pytest.approx(whole_probe, rel=1e-12)
    for wrong in (1, 5):
        with pytest.raises(ValueError, match=f"over_batches is {wrong}"):
            hessian.top(over_batches=wrong)
    with pytest.raises(ValueError, match="wanted is 99"):
        hessian.top(k=99, over_batches=3)


def _process(rank, world, path):
    sys.path.insert(0, HERE)
    torch.distributed.init_process_group("gloo", init_method=f"file://{path}/store", rank=rank,
                                         world_size=world)
    model, probe = made("mlp"), batches((6, 3, 4))
    mine = probe[:2] if rank == 0 and world == 2 else probe[2:] if world == 2 else [probe[rank]]
    found = Hessian(model, F.cross_entropy, mine,
                    process_group=torch.distributed.group.WORLD).top(rule="fixed", max_products=9)
    torch.save((found.value, found.products), f"{path}/{rank}")
    # One that leaves while another still talks to it would take that one down.
    torch.distributed.barrier()
    # Without the ends of torch's threads, which now and then abort a process that is done.
    os._exit(0)


@pytest.mark.parametrize("world", [2, 3])
def test_processes_with_parts_of_the_probe_agree_with_one(world, tmp_path):
    torch.multiprocessing.spawn(_process, (world, str(tmp_path)), nprocs=world)
    alone = Hessian(made("mlp"), F.cross_entropy, batches((6, 3, 4))).top(rule="fixed",
                                                                          max_products=9)
    for rank in range(world):
        value, products = torch.load(f"{tmp_path}/{rank}")
        assert value == pytest.approx(alone.value, rel=1e-10) and products == 9
