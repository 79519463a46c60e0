// A training loop in C++, first as it was, then with libabsa: the batch grows where the Hessian's
// largest eigenvalue says that the loss is flat. What adopting it takes is between the two lines.
#include <absa/absa.hpp>

#include <cmath>
#include <cstdio>
#include <vector>

namespace
{

constexpr std::int64_t SAMPLES = 4096, FEATURES = 30, PROBE = 1024, EPOCHS = 12, BATCH = 32;
constexpr double LR = 0.02, MOMENTUM = 0.9;

using values = std::vector<double>;

// The host's own model: logistic regression with its gradient and Hessian-vector product.
struct model {
    values x = values(SAMPLES * FEATURES), w = values(FEATURES), velocity = values(FEATURES);
    std::vector<int> y = std::vector<int>(SAMPLES);

    model()
    {
        values truth(FEATURES), noise(SAMPLES);
        absa::gaussian(1, 0, 0, absa::view<double>(truth));
        absa::uniform(1, 1, 0, noise);
        absa::gaussian(1, 2, 0, absa::view<double>(x));
        for (std::size_t i = 0; i < SAMPLES; i++)
            y[i] = noise[i] < 1.0 / (1.0 + std::exp(-dot(i, truth.data())));
    }
    double dot(std::size_t row, const double *v) const
    {
        double sum = 0.0;
        for (std::size_t j = 0; j < FEATURES; j++)
            sum += x[row * FEATURES + j] * v[j];
        return sum;
    }
    // g += weight times the mean gradient of these rows; returns the sum of their losses.
    double gradient(std::int64_t first, std::int64_t rows, double weight, values &g) const
    {
        double loss = 0.0;
        for (std::int64_t r = first; r < first + rows; r++) {
            const auto i = static_cast<std::size_t>(r);
            const double p = 1.0 / (1.0 + std::exp(-dot(i, w.data())));
            loss -= std::log(y[i] ? p : 1.0 - p);
            for (std::size_t j = 0; j < FEATURES; j++)
                g[j] += weight * (p - y[i]) / static_cast<double>(rows) * x[i * FEATURES + j];
        }
        return loss;
    }
    void hvp(const double *v, double *hv) const
    {
        std::fill(hv, hv + FEATURES, 0.0);
        for (std::size_t i = 0; i < PROBE; i++) {
            const double p = 1.0 / (1.0 + std::exp(-dot(i, w.data())));
            const double c = p * (1.0 - p) * dot(i, v) / static_cast<double>(PROBE);
            for (std::size_t j = 0; j < FEATURES; j++)
                hv[j] += c * x[i * FEATURES + j];
        }
    }
    void step(double lr, values &g)
    {
        for (std::size_t j = 0; j < FEATURES; j++) {
            velocity[j] = MOMENTUM * velocity[j] + g[j];
            w[j] -= lr * velocity[j];
            g[j] = 0.0;
        }
    }
};

double train_plain(model &m, int &updates)
{
    double loss = 0.0;
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        loss = 0.0;
        values g(FEATURES);
        for (std::int64_t first = 0; first < SAMPLES; first += BATCH) {
            loss += m.gradient(first, BATCH, 1.0, g);
            m.step(LR, g);
            updates++;
        }
    }
    return loss / SAMPLES;
}

double train_adaptive(model &m, int &updates)
{
    double loss = 0.0, epoch_loss = 0.0;
    values g(FEATURES);
    // --------------------------------------------------------------------------------------------
    absa::context context;
    auto options = absa::defaults<absa_controller_options>();
    options.strategy = ABSA_STRATEGY_ABS;
    options.samples = SAMPLES;
    options.epochs = EPOCHS;
    options.batch = options.micro_batch = BATCH; // what fits the machine: more is accumulated
    options.batch_max = 512;
    options.lr = LR;
    options.measure_every = 1024;
    options.patience = 8;
    absa::controller controller(context, options);
    const auto space = absa::space::host<double>(context, FEATURES);
    const auto hessian = absa::linear_operator::from_hvp<double>(
        space,
        [&](absa::view<const double> v, absa::view<double> hv) { m.hvp(v.data(), hv.data()); });
    absa::estimator estimator(space);
    for (auto plan = controller.plan(); !plan.finished; plan = controller.plan()) {
        if (plan.measure_due) {
            controller.observe(estimator.run(hessian));
        } else if (plan.epoch_done) {
            controller.end_epoch();
            loss = std::exchange(epoch_loss, 0.0);
        } else {
            const auto micro = controller.micro();
            epoch_loss += m.gradient(micro.first, micro.rows, micro.weight, g);
            controller.advance(micro.global_rows);
            if (micro.last)
                m.step(plan.lr, g);
            updates += micro.last;
        }
    }
    // --------------------------------------------------------------------------------------------
    return loss / SAMPLES;
}

} // namespace

int main()
{
    try {
        model plain, adaptive;
        int plain_updates = 0, updates = 0;
        const double before = train_plain(plain, plain_updates);
        const double after = train_adaptive(adaptive, updates);
        std::printf("plain     loss %.4f  %4d updates\n", before, plain_updates);
        std::printf("adaptive  loss %.4f  %4d updates\n", after, updates);
        return std::fflush(stdout) != 0 || updates >= plain_updates || after > 1.05 * before;
    } catch (const absa::error &e) {
        std::fprintf(stderr, "adaptive_loop: %s: %s\n", e.name(), e.what());
        return 1;
    }
}
