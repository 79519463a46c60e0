/* libtorch, the one C++ trainer with exact products: the gradient of g'v. All parameters are views
 * of one flat tensor, which the library's vectors are as well. */
#include <torch/torch.h>

#include "host_run.h"

namespace
{

constexpr int64_t rows = 512, inputs = 3, hidden = 6;
constexpr int64_t parameters = hidden * (inputs + 1) + hidden + 1;

struct host {
    torch::Tensor x, y, theta;
};

torch::Tensor loss_of(const host &h, const torch::Tensor &theta, int64_t first, int64_t count)
{
    const auto part = theta.split_with_sizes({hidden * inputs, hidden, hidden, 1});
    const auto z = torch::tanh(
        torch::addmm(part[1], h.x.narrow(0, first, count), part[0].view({hidden, inputs}).t()));
    const auto out = torch::addmv(part[3].expand({count}), z, part[2]);
    return torch::nn::functional::binary_cross_entropy_with_logits(out,
                                                                   h.y.narrow(0, first, count));
}

torch::Tensor vector_at(const void *v)
{
    return torch::from_blob(const_cast<void *>(v), {parameters}, torch::kFloat64);
}

double gradient(void *user, int64_t first, int64_t count, void *g)
{
    const host &h = *static_cast<host *>(user);
    const auto theta = h.theta.detach().requires_grad_();
    const auto loss = loss_of(h, theta, first, count);
    vector_at(g).copy_(torch::autograd::grad({loss}, {theta})[0]);
    return loss.item<double>();
}

int hvp(void *user, const void *v, void *hv, int64_t *samples)
{
    const host &h = *static_cast<host *>(user);
    const auto theta = h.theta.detach().requires_grad_();
    const auto g = torch::autograd::grad({loss_of(h, theta, 0, 256)}, {theta}, {}, true, true)[0];
    vector_at(hv).copy_(torch::autograd::grad({g.dot(vector_at(v))}, {theta})[0]);
    *samples = 256;
    return 0;
}

} // namespace

int main()
{
    torch::set_num_threads(1);
    torch::manual_seed(1);
    host h;
    h.x = torch::randn({rows, inputs}, torch::kFloat64);
    h.y = (h.x.select(1, 0) - h.x.select(1, 1) * h.x.select(1, 2) > 0).to(torch::kFloat64);
    h.theta = 0.5 * torch::randn({parameters}, torch::kFloat64);
    trainer t = {};
    t.user = &h;
    t.theta = h.theta.data_ptr();
    t.n = parameters;
    t.element = ABSA_ELEMENT_F64;
    t.rows = rows;
    t.probe = 256;
    t.gradient = gradient;
    t.hvp = hvp;
    t.lr = 0.3;
    t.nudge = 1e-5;
    t.epochs = 12;
    return host_run(&t);
}
