/* dlib, a C++ trainer with gradients only, in single precision. Its layers keep their parameters in
 * tensors of their own, so they are copied into the network when a gradient is asked for. */
#include <dlib/dnn.h>

#include "host_run.h"

#include <vector>

namespace
{

using sample = dlib::matrix<float, 3, 1>;
using net_type = dlib::loss_mean_squared<dlib::fc<1, dlib::htan<dlib::fc<6, dlib::input<sample>>>>>;

constexpr int64_t rows = 512;

struct host {
    net_type net;
    std::vector<sample> x;
    std::vector<float> y, theta;
};

/* Calls f with the n-th tensor's place in the flat vector. */
template <class Function> struct each_tensor {
    Function f;
    size_t at = 0;
    void operator()(size_t, dlib::tensor &t)
    {
        f(at, t);
        at += t.size();
    }
};

template <class Function> each_tensor<Function> each(Function f)
{
    return {f};
}

double gradient(void *user, int64_t first, int64_t count, void *out)
{
    host &h = *static_cast<host *>(user);
    auto *g = static_cast<float *>(out);
    auto put = each([&](size_t at, dlib::tensor &t) {
        std::copy(h.theta.begin() + at, h.theta.begin() + at + t.size(), t.host());
    });
    auto take =
        each([&](size_t at, dlib::tensor &t) { std::copy(t.host(), t.host() + t.size(), g + at); });
    dlib::visit_layer_parameters(h.net, put);
    dlib::resizable_tensor batch;
    h.net.to_tensor(h.x.begin() + first, h.x.begin() + first + count, batch);
    const double loss = h.net.compute_parameter_gradients(batch, h.y.begin() + first);
    dlib::visit_layer_parameter_gradients(h.net, take);
    return loss;
}

} // namespace

int main()
{
    host h;
    std::vector<float> noise(3 * rows);
    absa_random_gaussian_f32(1, 0, 0, 3 * rows, noise.data());
    for (int64_t i = 0; i < rows; i++) {
        const float a = noise[3 * i], b = noise[3 * i + 1], c = noise[3 * i + 2];
        h.x.push_back({a, b, c});
        h.y.push_back(a - 0.5F * b * c);
    }
    /* A first pass makes the layers' tensors. */
    dlib::resizable_tensor batch;
    h.net.to_tensor(h.x.begin(), h.x.begin() + 1, batch);
    h.net.forward(batch);
    auto take = each([&](size_t, dlib::tensor &t) {
        h.theta.insert(h.theta.end(), t.host(), t.host() + t.size());
    });
    dlib::visit_layer_parameters(h.net, take);
    absa_random_gaussian_f32(1, 1, 0, static_cast<int64_t>(h.theta.size()), h.theta.data());
    for (float &w : h.theta)
        w *= 0.5F;
    trainer t = {};
    t.user = &h;
    t.theta = h.theta.data();
    t.n = static_cast<int64_t>(h.theta.size());
    t.element = ABSA_ELEMENT_F32;
    t.rows = rows;
    t.probe = 256;
    t.gradient = gradient;
    t.lr = 0.05;
    t.nudge = 3e-3;
    t.epochs = 12;
    return host_run(&t);
}
