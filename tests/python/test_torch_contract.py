"""What absa.torch promises of batches, wrappers, checkpoints and random numbers, and loops as a
reader of the guide writes them."""

import contextlib
import io

import numpy
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import absa
from absa.torch import AdaptiveBatch, Hessian
from absa.torch.adaptive import lr_rule_of
from absa.torch.modes import repeatable


def problem(rows=12, dtype=torch.float32):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3)).to(dtype)
    return net, torch.randn(rows, 4, dtype=dtype), torch.randint(0, 3, (rows,))


def test_inference_mode_changes_nothing():
    net, x, y = problem()
    hessian = Hessian(net, F.cross_entropy, [(x, y)])
    want = hessian.top().value
    with torch.inference_mode():
        assert hessian.top().value == want and want > 0.1
    with torch.no_grad():
        assert Hessian(net, F.cross_entropy, [(x, y)]).top().value == want


@pytest.mark.parametrize("mode", ["hvp", "ggn", "fd"])
def test_a_loss_without_a_graph_is_no_flat_loss(mode):
    class Cut(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(4, 3)

        @torch.no_grad()
        def forward(self, x):
            return self.a(x)
    _, x, y = problem()
    with pytest.raises(ValueError, match="depends on no trainable parameter"):
        Hessian(Cut(), F.cross_entropy, [(x, y)], mode=mode).top()


def test_the_result_records_what_it_is_of():
    net, x, y = problem()
    batches = [(x[at:at + 3], y[at:at + 3]) for at in range(0, 12, 3)]
    hessian = Hessian(net, F.cross_entropy, batches, bn="batch", weight_decay=0.25, params="2.*",
                      mode="ggn")
    for found in (hessian.top(), hessian.top(over_batches=4)):
        assert (found.mode, found.bn, found.weight_decay, found.params) == \
            ("ggn", "batch", 0.25, "2.*")
        assert "bn=batch, weight_decay=0.25" in repr(found)
    assert "for this probe, not for another" in repr(hessian.top())
    told = repr(hessian.top(over_batches=4))
    assert "of all batches" in told and "the solver alone" in told and "converged: 4" in told


def test_a_mean_over_batches_may_be_of_several_pairs():
    net, x, y = problem(dtype=torch.float64)
    batches = [(x[at:at + rows], y[at:at + rows]) for at, rows in ((0, 3), (3, 5), (8, 4))]
    hessian = Hessian(net, F.cross_entropy, batches)
    options = {"k": 2, "rule": "certified", "tol": 1e-6, "max_products": 60}
    found = hessian.top(over_batches=3, progress=True, **options)
    each = [Hessian(net, F.cross_entropy, [batch]).top(**options).values for batch in batches]
    for place, pair in enumerate(found.pairs):
        want = sum(rows * values[place] for rows, values in zip((3, 5, 4), each)) / 12
        assert pair.mean == pytest.approx(want, rel=1e-5) and pair.lower < pair.mean < pair.upper
    assert len(found.pairs) == 2 and "pair 2" in repr(found)
    assert found.runs[0].values[1] == pytest.approx(each[0][1], rel=1e-5)


def test_dict_batches_are_the_models_keywords():
    class Named(nn.Module):
        def __init__(self, net):
            super().__init__()
            self.net = net

        def forward(self, inputs, labels=None):
            return {"logits": self.net(inputs), "labels": labels}
    net, x, y = problem()
    batches = [{"inputs": x[:8], "labels": y[:8]}, {"inputs": x[8:], "labels": y[8:]}]
    found = Hessian(Named(net), lambda out, batch: F.cross_entropy(out["logits"], batch["labels"]),
                    batches)
    plain = Hessian(net, F.cross_entropy, [(x[:8], y[:8]), (x[8:], y[8:])])
    v = numpy.random.default_rng(0).standard_normal(found.n).astype("float32")
    assert numpy.array_equal(found.matvec(v), plain.matvec(v))


def test_batches_that_are_none_are_refused():
    net, x, y = problem()
    for wrong in ([x, y], x, [(x,)]):
        with pytest.raises(TypeError, match="must be .input, target. or a dict"):
            Hessian(net, F.cross_entropy, wrong)
    with pytest.raises(ValueError, match="no sample"):
        Hessian(net, F.cross_entropy, [(x[:0], y[:0])])
    # With a forward of its own, a batch may be one tensor.
    Hessian(net, None, [x], forward=lambda m, b: m(b), loss=lambda o, b: (o.square().mean(), 12))


def test_a_function_without_a_second_derivative_is_named():
    class Rounding(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.round(decimals=3)

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, g):
            return g

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(4, 3)

        def forward(self, x):
            return Rounding.apply(self.a(x))
    _, x, y = problem()
    with pytest.raises(RuntimeError, match="twice Rounding, marked"):
        Hessian(Model(), F.cross_entropy, [(x, y)]).top()


def test_fused_attention_is_named_with_what_to_do():
    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.mix, self.out = nn.Linear(4, 12), nn.Linear(4, 3)

        def forward(self, x):
            q, k, v = (part.view(-1, 1, 3, 4) for part in
                       self.mix(x.view(-1, 1, 4).repeat(1, 3, 1)).chunk(3, -1))
            return self.out(F.scaled_dot_product_attention(q, k, v).mean((1, 2)))
    torch.manual_seed(0)
    net, (_, x, y) = Attention(), problem()
    with pytest.raises(RuntimeError, match="attention.*math kernel.*SDPBackend.MATH"):
        Hessian(net, F.cross_entropy, [(x, y)]).top()
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        assert Hessian(net, F.cross_entropy, [(x, y)]).check().good


def test_wrappers_are_taken_off_and_other_models_left_whole():
    class Own(nn.Module):
        """Has a member of the name that wrappers use."""

        def __init__(self, net):
            super().__init__()
            self.module, self.first = net, nn.Linear(4, 4)

        def forward(self, x):
            return self.module(torch.tanh(self.first(x)))
    net, x, y = problem()
    parallel = nn.DataParallel(net)
    assert Hessian(parallel, F.cross_entropy, [(x, y)]).names[0] == "0.weight"
    own = Own(net)
    assert "first.weight" in Hessian(own, F.cross_entropy, [(x, y)]).names
    ab = AdaptiveBatch(torch.optim.SGD(own.parameters(), 0.1), 12, 4, 1, model=own,
                       loss=F.cross_entropy, adversarial_share=1.0, epsilon=0.5)
    for x, y in ab.micro_batches(DataLoader(TensorDataset(x, y), batch_sampler=ab.sampler())):
        moved = ab.perturb(x, y)
        given = x.clone().requires_grad_()
        slope, = torch.autograd.grad(F.cross_entropy(own(given), y), given)
        assert torch.equal(moved, x + 0.5 * slope.sign())
        break


@pytest.mark.parametrize("clamp", [None, (-0.5, 0.5), (0.0, 0.25)])
def test_perturbed_rows_have_the_bits_of_fgsm(clamp):
    """Inputs lie outside the box, too."""
    net, x, y = problem()
    ab = AdaptiveBatch(torch.optim.SGD(net.parameters(), 0.1), 12, 4, 1, model=net,
                       loss=F.cross_entropy, adversarial_share=1.0, epsilon=0.1, clamp=clamp)
    for x, y in ab.micro_batches(DataLoader(TensorDataset(x, y), batch_sampler=ab.sampler())):
        moved = ab.perturb(x, y)
        given = x.clone().requires_grad_()
        slope, = torch.autograd.grad(F.cross_entropy(net(given), y), given)
        want = absa.fgsm(x.numpy(), slope.numpy(), ab.plan.epsilon, *(clamp or (None, None)))
        assert numpy.array_equal(moved.numpy(), want)
        break


class Drawing(nn.Module):
    """Draws random numbers in evaluation mode too."""

    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 3)

    def forward(self, x):
        return F.dropout(self.a(x), 0.5, True)


def test_a_layer_that_draws_always_spends_no_random_numbers():
    _, x, y = problem()
    net = Drawing()
    ab = AdaptiveBatch(torch.optim.SGD(net.parameters(), 0.1), 12, 4, 1, model=net,
                       loss=F.cross_entropy, adversarial_share=1.0)
    state = torch.get_rng_state()
    hessian = Hessian(net, F.cross_entropy, [(x, y)])
    hessian.top()
    assert hessian.check().good, "every product drew other numbers"
    assert torch.equal(torch.get_rng_state(), state)
    for x, y in ab.micro_batches([(x[:4], y[:4])]):
        state = torch.get_rng_state()
        ab.perturb(x, y)
        assert torch.equal(torch.get_rng_state(), state)
        break


def test_no_other_devices_generator_is_seeded(monkeypatch):
    seeded = []
    for name in ("manual_seed", "manual_seed_all"):
        monkeypatch.setattr(torch.cuda, name, lambda seed, name=name: seeded.append(name))
    with repeatable(torch.device("cpu")):
        first = torch.randn(3)
    with repeatable(torch.device("cpu")):
        assert torch.equal(torch.randn(3), first)
    assert not seeded


def test_the_state_is_what_torch_loads_without_trust():
    net, x, y = problem()
    hessian = Hessian(net, F.cross_entropy, [(x, y)])
    optimizer = torch.optim.SGD(net.parameters(), 0.1)

    def fresh(host=True):
        given = hessian if host else Hessian(net, F.cross_entropy, [(x, y)], host=False)
        return AdaptiveBatch(optimizer, 12, 4, 3, hessian=given)
    ab = fresh()
    ab.measure()
    file = io.BytesIO()
    torch.save({"ab": ab.state_dict()}, file)
    file.seek(0)
    state = torch.load(file)["ab"]  # weights_only, the default
    resumed, tensors = fresh(), fresh(host=False)
    resumed.load_state_dict(state)
    tensors.load_state_dict(state)
    assert repr(resumed.measure()) == repr(ab.measure())
    assert torch.is_tensor(tensors._hint) and tensors.measure().value == pytest.approx(
        ab.result.value, rel=1e-5)
    # What is saved is a copy.
    kept = state["hint"].clone()
    resumed.measure()
    assert torch.equal(state["hint"], kept)


@pytest.mark.parametrize("spoil", [
    lambda s: s.pop("measurements"), lambda s: s.pop("controller"),
    lambda s: s.update(controller=s["controller"][:20])])
def test_a_state_that_is_none_changes_nothing(spoil):
    net, x, y = problem()
    ab = AdaptiveBatch(torch.optim.SGD(net.parameters(), 0.1), 12, 4, 3,
                       hessian=Hessian(net, F.cross_entropy, [(x, y)]))
    ab.measure()
    state = ab.state_dict()
    ab.controller.advance(4)
    ab.measure()
    before, hint = ab.controller.save(), ab._hint
    spoil(state)
    with pytest.raises((ValueError, absa.Error)):
        ab.load_state_dict(state)
    assert ab.controller.save() == before and ab._hint is hint


def test_two_betas_do_not_make_an_adam():
    parameters = [nn.Parameter(torch.zeros(2, 2))]

    class Lion(torch.optim.Optimizer):
        def __init__(self, given):
            super().__init__(given, {"lr": 1e-3, "betas": (0.9, 0.99)})

    class OurAdam(Lion):
        pass
    with pytest.raises(ValueError, match="Lion follows the batch is not known"):
        lr_rule_of(Lion(parameters))
    assert lr_rule_of(OurAdam(parameters)) == "sqrt"
    for name in ("Adam", "AdamW", "NAdam", "RAdam", "Adamax", "RMSprop", "Adagrad", "Adadelta"):
        assert lr_rule_of(getattr(torch.optim, name)(parameters)) == "sqrt", name
    for name in ("ASGD", "Rprop", "LBFGS"):
        with pytest.raises(ValueError):
            lr_rule_of(getattr(torch.optim, name)(parameters))


def test_the_guides_loop_runs_with_autocast_a_scaler_and_clipping():
    """The loop of doc/guide with what a plain loop has around it: no DDP here, so no_sync() of a
    stand-in."""
    net, x, y = problem(96)

    class Model(nn.Module):
        quiet = 0

        def __init__(self):
            super().__init__()
            self.module = net

        def forward(self, x):
            return self.module(x)

        @contextlib.contextmanager
        def no_sync(self):
            Model.quiet += 1
            yield
    model, ds, loss_fn = Model(), TensorDataset(x, y), F.cross_entropy
    opt, scaler = torch.optim.SGD(net.parameters(), 0.1), torch.amp.GradScaler("cpu")
    H = Hessian(model.module, loss_fn, [(x[:32], y[:32])])
    ab = AdaptiveBatch(opt, samples=len(ds), micro=8, batch_max=64, epochs=8, hessian=H,
                       patience=1, measure_every=48)
    loader = DataLoader(ds, batch_sampler=ab.sampler(shuffle=True, seed=0), num_workers=2)
    steps, measured, first = 0, 0, loss_fn(net(x), y).item()
    for _ in range(ab.epoch, 8):
        for inputs, target in ab.micro_batches(loader):
            inputs = ab.perturb(inputs, target)
            with model.no_sync() if not ab.last else contextlib.nullcontext(), \
                    torch.autocast("cpu"):
                loss = loss_fn(model(inputs), target) * ab.weight
            scaler.scale(loss).backward()
            if ab.last:
                steps += ab.step(scaler=scaler, clip=1.0)
                opt.zero_grad()
                if ab.measure_due:
                    ab.measure()
                    measured += 1
        ab.end_epoch()
    assert measured >= 4 and ab.plan.finished and steps == ab.plan.update
    assert 0 < Model.quiet == 8 * 96 // 8 - steps, "nothing grew, or the last was quiet"
    assert loss_fn(net(x), y).item() < first
