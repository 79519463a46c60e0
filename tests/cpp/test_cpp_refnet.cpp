/* The reference network and its data from C++. */
#include <absa/absa.hpp>
#include <absa/refnet.hpp>

#include "cpp_tap.hpp"

#include <cmath>
#include <cstring>

namespace
{

absa_refnet_options small()
{
    static const std::int64_t hidden[] = {5};
    auto o = absa::defaults<absa_refnet_options>();
    o.name = "mlp";
    o.height = o.width = 8;
    o.outputs = 10;
    o.hidden = hidden;
    o.hidden_count = 1;
    o.activation = ABSA_REFNET_TANH;
    o.element = ABSA_ELEMENT_F64;
    o.probe_rows = 32;
    return o;
}

} // namespace

TEST(a_network_has_derivatives_and_its_hessian_an_eigenvalue)
{
    absa::context c;
    absa::refnet net(c, small());
    CHECK(absa::refnet::workspace(c, small()) > 0 && net.element() == ABSA_ELEMENT_F64);
    CHECK(net.input_count() == 64 && net.output_count() == 10);
    const std::size_t n = static_cast<std::size_t>(net.parameter_count());
    CHECK(n == 64 * 5 + 5 + 5 * 10 + 10 && net.ranges().size() == 4);
    auto o = absa::defaults<absa_glyphs_options>();
    o.rows = 64;
    o.size = 8;
    const auto data = absa::dataset::glyphs(c, o);
    auto halves = data.split(32, 1);
    const auto v = halves.first.get_view();
    CHECK(v.rows == 32 && v.features == 64);
    std::vector<double> x(v.x, v.x + 32 * 64), theta(n), g(n), hv(n), bv(n), gx(x.size());
    std::vector<std::int32_t> y(v.labels, v.labels + 32);
    net.init_parameters(1, theta.data());
    const double loss = net.loss(theta.data(), x.data(), y.data(), 32);
    CHECK(net.gradient(theta.data(), x.data(), y.data(), 32, g.data()) == loss);
    CHECK(net.input_gradient(theta.data(), x.data(), y.data(), 32, gx.data()) == loss);
    std::vector<double> outputs(320);
    net.predict(theta.data(), x.data(), 32, outputs.data());
    CHECK(std::fabs(net.evaluate(theta.data(), x.data(), y.data(), 32).loss_sum / 32.0 - loss) <
          1e-12);
    CHECK(std::fabs(net.probe(theta.data(), x.data(), y.data(), 32) - loss) < 1e-12);
    net.hvp(g.data(), hv.data());
    net.gnvp(g.data(), bv.data());
    const auto s = net.space_of(c);
    const auto hessian = net.hessian(c), gauss = net.gauss_newton(c);
    std::vector<double> again(n);
    hessian.apply<double>(g, again);
    CHECK(again == hv);
    gauss.apply<double>(g, again);
    CHECK(again == bv);
    absa::estimator e(s);
    const auto r = e.run(hessian);
    CHECK(r.converged && r.value > 0.0);
    auto last = net.layout(c);
    last.select("last:1");
    absa::refnet_block part(c, net, last);
    const auto own = last.space_of(c, s);
    CHECK(part.count() == 60 && last.count() == 60);
    const auto quick = part.hessian(own), quick_gn = part.gauss_newton(own);
    const auto slow = hessian.restrict_to(last.get());
    std::vector<double> p(60, 1.0), q(60), w(60);
    quick.apply<double>(p, q);
    slow.apply<double>(p, w);
    for (std::size_t i = 0; i < 60; i++)
        CHECK(std::fabs(q[i] - w[i]) <= 1e-12 * std::fabs(w[i]) + 1e-15);
    part.hvp(p.data(), w.data());
    CHECK(q == w);
    part.gnvp(p.data(), w.data());
    quick_gn.apply<double>(p, q);
    CHECK(q == w);
    net.probe_clear();
    CHECK(tap::throws<absa::error>(
        [&] { net.hvp(g.data(), hv.data()); },
        [](const absa::error &x_) { return x_.status() == ABSA_E_STATE; }));
    net.set_mode(ABSA_REFNET_EVALUATE);
    net.track(0.1);
    net.write_statistics(net.statistics());
}

TEST(data_is_read_split_and_gathered)
{
    absa::context c;
    const std::string text = "p,x,no\ne,y,yes\ne,x,yes\n";
    const absa::view<const unsigned char> raw(reinterpret_cast<const unsigned char *>(text.data()),
                                              text.size());
    auto table = absa::dataset::parse_csv(c, raw, 2);
    CHECK(table.get_view().rows == 3 && table.get_view().features == 4);
    std::vector<float> x(8);
    std::vector<std::int32_t> labels(2);
    const std::vector<std::int64_t> rows{2, 0};
    table.gather(rows, x.data(), labels.data());
    CHECK(labels[0] == 1 && labels[1] == 0);
    const absa::dataset copy(c, table.get_view());
    table.limit(2);
    CHECK(table.get_view().rows == 2 && copy.get_view().rows == 3);
    const auto missing = [](const absa::error &e) { return e.status() == ABSA_E_IO; };
    CHECK(
        tap::throws<absa::error>([&] { absa::dataset::read_csv(c, "/nonexistent", 0); }, missing));
    CHECK(tap::throws<absa::error>([&] { absa::dataset::read_idx(c, "/nonexistent", "/no", 10); },
                                   missing));
    const auto format = absa::records_format(ABSA_RECORDS_CIFAR10);
    CHECK(tap::throws<absa::error>(
        [&] { absa::dataset::read_records(c, {"/nonexistent"}, format); }, missing));
    const auto damaged = [](const absa::error &e) { return e.status() == ABSA_E_FORMAT; };
    CHECK(tap::throws<absa::error>([&] { absa::dataset::parse_records(c, raw, format); }, damaged));
    CHECK(tap::throws<absa::error>([&] { absa::dataset::parse_idx(c, raw, raw, 10); }, damaged));
}

int main()
{
    return tap::run();
}
