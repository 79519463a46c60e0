/* decide.c in C++. */
#include <absa/absa.hpp>

#include <cstdio>

int main()
{
    constexpr std::size_t n = 40;
    absa::context context;
    auto o = absa::defaults<absa_controller_options>();
    o.strategy = ABSA_STRATEGY_ABSA;
    o.samples = 1000;
    o.epochs = 12;
    o.batch = o.micro_batch = 20;
    o.batch_max = 320;
    o.lr = 0.1;
    o.patience = 2;
    absa::controller controller(context, o);
    auto e = absa::defaults<absa_eigen_options>();
    for (const auto &[name, value] :
         {std::pair("rule", "certified"), std::pair("memory", "basis"),
          std::pair("tolerance", "1e-6"), std::pair("max_products", "100"), std::pair("seed", "5")})
        absa::set(context, e, name, value);
    const auto space = absa::space::host<double>(context, n);
    double scale = 1.0;
    const auto hessian = absa::linear_operator::from_hvp<double>(
        space, [&](absa::view<const double> v, absa::view<double> hv) {
            for (std::size_t i = 0; i < n; i++)
                hv[i] = scale * (static_cast<double>(i + 1) / static_cast<double>(n)) * v[i];
        });
    absa::estimator estimator(space, e);
    auto args = absa::defaults<absa_eigen_args>();
    for (auto plan = controller.plan(); !plan.finished; plan = controller.plan()) {
        if (plan.measure_due) {
            const auto r = estimator.run(hessian, args);
            const auto d = controller.observe(r);
            std::printf("%.17g %.17g %.17g %lld %s %lld %.17g %.17g\n", r.value, r.lower, r.upper,
                        static_cast<long long>(r.products), absa::reason_name(d.reason),
                        static_cast<long long>(d.batch), d.lr, d.gamma);
            args.stream++;
            scale *= 0.75;
        } else if (plan.epoch_done) {
            controller.end_epoch();
        } else {
            controller.advance(plan.rows - plan.rows_done);
        }
    }
    return std::fflush(stdout) != 0;
}
