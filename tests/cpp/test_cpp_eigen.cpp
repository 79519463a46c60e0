/* The estimator from C++: the C library's own numbers, and exceptions through every callback. */
#include <absa/absa.hpp>

#include "cpp_tap.hpp"

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

namespace
{

constexpr std::size_t N = 500;

/* diag(3, and 1 / (i + 1)): the largest eigenvalue is 3. */
double value(std::size_t i)
{
    return i == 7 ? 3.0 : 1.0 / (static_cast<double>(i) + 1.0);
}

void multiply(absa::view<const double> v, absa::view<double> hv)
{
    for (std::size_t i = 0; i < v.size(); i++)
        hv[i] = value(i) * v[i];
}

int c_multiply(void *, const void *v, void *hv, std::int64_t *)
{
    multiply({static_cast<const double *>(v), N}, {static_cast<double *>(hv), N});
    return 0;
}

absa_eigen_options basis()
{
    auto o = absa::defaults<absa_eigen_options>();
    o.memory = ABSA_MEMORY_BASIS;
    return o;
}

bool right(const absa_eigen_result &r)
{
    return r.converged && r.lower <= 3.0 && 3.0 <= r.upper && std::fabs(r.value - 3.0) < 0.03;
}

/* Every function of a vector table, any of which can be told to throw at its next call. */
struct table {
    std::shared_ptr<std::string> bad = std::make_shared<std::string>();
    std::shared_ptr<int> live = std::make_shared<int>(0);
    void may(const char *name) const
    {
        if (*bad == name) {
            bad->clear();
            throw tap::thrown{5};
        }
    }
    void *alloc()
    {
        may("alloc");
        ++*live;
        return new std::vector<double>(N, std::numeric_limits<double>::quiet_NaN());
    }
    static std::vector<double> &at(void *v)
    {
        return *static_cast<std::vector<double> *>(v);
    }
    static const std::vector<double> &at(const void *v)
    {
        return *static_cast<const std::vector<double> *>(v);
    }
    void release(void *v)
    {
        --*live;
        delete static_cast<std::vector<double> *>(v);
    }
    void axpby(double a, const void *x, double b, void *y) const
    {
        may("axpby");
        for (std::size_t i = 0; i < N; i++)
            at(y)[i] = a * at(x)[i] + (b == 0.0 ? 0.0 : b * at(y)[i]);
    }
    void dots(std::int64_t count, const void *const *x, const void *y, double *out) const
    {
        may("dots");
        for (std::int64_t k = 0; k < count; k++) {
            out[k] = 0.0;
            for (std::size_t i = 0; i < N; i++)
                out[k] += at(x[k])[i] * at(y)[i];
        }
    }
    void gaussian(std::uint64_t seed, std::uint64_t stream, void *y) const
    {
        may("gaussian");
        absa::gaussian(seed, stream, 0, absa::view<double>(at(y)));
    }
};

/* The optional functions as well. */
struct full_table : table {
    void combine(std::int64_t count, const double *a, const void *const *x, double b, void *y,
                 double *square) const
    {
        may("combine");
        for (std::size_t i = 0; i < N; i++) {
            double sum = b == 0.0 ? 0.0 : b * at(y)[i];
            for (std::int64_t k = 0; k < count; k++)
                sum += a[k] * at(x[k])[i];
            at(y)[i] = sum;
        }
        if (!square)
            return;
        *square = 0.0;
        for (const double e : at(y))
            *square += e * e;
    }
    void read(const void *x, std::int64_t first, std::int64_t count, double *out) const
    {
        may("read");
        std::memcpy(out, at(x).data() + first, static_cast<std::size_t>(count) * sizeof *out);
    }
    void write(std::int64_t first, std::int64_t count, const double *in, void *y) const
    {
        may("write");
        std::memcpy(at(y).data() + first, in, static_cast<std::size_t>(count) * sizeof *in);
    }
};

void multiply_own(const void *v, void *hv)
{
    multiply(absa::view<const double>(table::at(v)), absa::view<double>(table::at(hv)));
}

} // namespace

TEST(a_run_gives_the_bits_of_the_c_library)
{
    absa::context c;
    const auto s = absa::space::host<double>(c, N);
    const auto op = absa::linear_operator::from_hvp<double>(s, multiply);
    absa::estimator e(s, basis());
    const auto mine = e.run(op);
    absa_context *ctx = nullptr;
    absa_space space;
    absa_operator *plain = nullptr;
    absa_eigen *eigen = nullptr;
    const auto o = basis();
    auto theirs = absa::defaults<absa_eigen_result>();
    absa_space_host(&space, sizeof space, ABSA_ELEMENT_F64, N);
    CHECK(!absa_context_create(nullptr, &ctx));
    CHECK(!absa_operator_from_hvp(ctx, &space, c_multiply, nullptr, nullptr, &plain));
    CHECK(!absa_eigen_create(ctx, &space, &o, &eigen));
    CHECK(!absa_eigen_run(eigen, plain, nullptr, &theirs));
    CHECK(right(mine));
    CHECK(mine.value == theirs.value && mine.upper == theirs.upper && mine.lower == theirs.lower);
    CHECK(mine.products == theirs.products && op.products() == mine.products);
    std::vector<double> u(N), w(N);
    e.vector(absa::view<double>(u));
    CHECK(!absa_eigen_vector(eigen, w.data()));
    CHECK(u == w);
    absa_eigen_destroy(&eigen);
    absa_operator_destroy(&plain);
    absa_context_destroy(&ctx);
}

TEST(products_may_be_brought_one_by_one_and_runs_saved_between_them)
{
    absa::context c;
    const auto s = absa::space::host<double>(c, N);
    const auto op = absa::linear_operator::from_hvp<double>(s, multiply);
    absa::estimator whole(s, basis()), first(s, basis()), second(s, basis());
    const auto want = whole.run(op);
    first.start();
    for (int i = 0; i < 3; i++) {
        const auto p = first.next();
        CHECK(p.has_value());
        c_multiply(nullptr, p->x, p->y, nullptr);
        first.put();
    }
    second.load(first.save());
    while (const auto p = second.next()) {
        op.apply(p->x, p->y);
        second.put();
    }
    CHECK(second.best().value == want.value && second.best().upper == want.upper);
    CHECK(second.pair().value == want.value);
    std::vector<double> u(N), w(N);
    second.pair_vector(0, absa::view<double>(u));
    whole.pair_vector(0, absa::view<double>(w));
    CHECK(u == w);
    first.resume(op);
    CHECK(first.best().value == want.value);
}

TEST(callables_of_any_type_serve_also_those_that_only_move)
{
    absa::context c;
    const auto s = absa::space::host<double>(c, N);
    auto owned = std::make_unique<double>(2.0);
    auto op = absa::linear_operator::from_hvp<double>(
        s, [twice = std::move(owned)](absa::view<const double> v, absa::view<double> hv) {
            for (std::size_t i = 0; i < v.size(); i++)
                hv[i] = *twice * value(i) * v[i];
            return 17; /* samples */
        });
    const std::function<void(absa::view<const double>, absa::view<double>)> function = multiply;
    const auto same = absa::linear_operator::from_hvp<double>(s, function);
    absa::estimator e(s);
    CHECK(std::fabs(e.run(op).value - 6.0) < 0.06);
    CHECK(right(e.run(same)));
    const absa::linear_operator moved = std::move(op);
    CHECK(op.get() == nullptr);
    CHECK(std::fabs(e.run(moved).value - 6.0) < 0.06);
    op = absa::linear_operator::from_hvp<double>(s, multiply);
    CHECK(right(e.run(op)));
    absa::estimator other(std::move(e));
    CHECK(e.get() == nullptr && right(other.run(op)));
}

TEST(sums_and_shifts_keep_their_parts_alive)
{
    absa::context c;
    const auto s = absa::space::host<double>(c, N);
    auto make = [&] {
        const auto a = absa::linear_operator::from_hvp<double>(s, multiply);
        const auto b = absa::linear_operator::from_hvp<double>(s, multiply);
        const std::vector<double> weights{0.25, 0.5};
        return absa::linear_operator::sum({&a, &b}, weights).shift(1.0);
    };
    const auto op = make();
    absa::estimator e(s);
    CHECK(std::fabs(e.run(op).value - 4.0) < 0.04);
    const auto report = op.check();
    CHECK(report.products > 0 && std::strlen(absa::verdict_text(report.verdict)) > 0);
    std::vector<double> x(N, 1.0), y(N);
    op.apply<double>(x, y);
    CHECK(std::fabs(y[7] - 4.0) < 1e-12);
}

TEST(an_exception_in_a_product_comes_out_as_itself_and_the_handle_goes_on)
{
    absa::context c;
    const auto s = absa::space::host<double>(c, N);
    int calls = 0, at = 0;
    const auto op = absa::linear_operator::from_hvp<double>(
        s, [&](absa::view<const double> v, absa::view<double> hv) {
            if (++calls == at)
                throw tap::thrown{at};
            multiply(v, hv);
        });
    absa::estimator e(s, basis());
    for (at = 1; at <= 4; at++) {
        calls = 0;
        CHECK(tap::throws([&] { e.run(op); }, at));
    }
    at = 0;
    CHECK(right(e.run(op)));
    std::vector<double> x(N, 1.0), y(N);
    calls = 0;
    at = 1;
    CHECK(tap::throws([&] { op.apply<double>(x, y); }, 1));
    calls = 0;
    CHECK(tap::throws([&] { op.check(); }, 1));
}

TEST(a_monitor_may_stop_throw_or_only_look)
{
    absa::context c;
    const auto s = absa::space::host<double>(c, N);
    const auto op = absa::linear_operator::from_hvp<double>(s, multiply);
    absa::estimator stops(s, basis(), [](const absa_eigen_result &r) { return r.products == 2; });
    CHECK(stops.run(op).stop == ABSA_STOP_MONITOR);
    int seen = 0;
    absa::estimator looks(s, basis(), [&](const absa_eigen_result &) { seen++; });
    CHECK(looks.run(op).products == seen);
    bool bad = true;
    absa::estimator fails(s, basis(), [&](const absa_eigen_result &) {
        if (bad)
            throw tap::thrown{3};
    });
    CHECK(tap::throws([&] { fails.run(op); }, 3));
    CHECK(fails.best().products == 1);
    bad = false;
    CHECK(right(fails.run(op)));
}

TEST(exceptions_in_gradients_leave_theta_as_it_was)
{
    absa::context c;
    const auto s = absa::space::host<double>(c, N);
    std::vector<double> theta(N, 0.5);
    const auto before = theta;
    int calls = 0, at = 2;
    const auto op = absa::linear_operator::from_gradient<double>(
        s, theta, [&](absa::view<const double> t, absa::view<double> g) -> std::int64_t {
            if (++calls == at)
                throw tap::thrown{2};
            multiply(t, g);
            return 8;
        });
    absa::estimator e(s, basis());
    CHECK(tap::throws([&] { e.run(op); }, 2));
    CHECK(theta == before);
    at = 0;
    const auto r = e.run(op);
    CHECK(r.heuristic == 1 && std::fabs(r.value - 3.0) < 0.05 && theta == before);
}

TEST(gauss_newton_products_are_those_of_the_model)
{
    /* z_i = theta_i^2 / 2 over N outputs, squared loss by way of HOST: J = diag(theta). */
    struct model {
        const char **bad;
        void may(const char *name) const
        {
            if (*bad && !std::strcmp(*bad, name))
                throw tap::thrown{9};
        }
        std::int64_t forward(absa::view<const double> theta, absa::view<double> z) const
        {
            may("forward");
            for (std::size_t i = 0; i < theta.size(); i++)
                z[i] = 0.5 * theta[i] * theta[i];
            return 1;
        }
        void backward(absa::view<const double> theta, absa::view<const double> u,
                      absa::view<double> g) const
        {
            may("backward");
            for (std::size_t i = 0; i < theta.size(); i++)
                g[i] = theta[i] * u[i];
        }
        void curvature(absa::view<const double>, absa::view<const double> w,
                       absa::view<double> u) const
        {
            may("curvature");
            for (std::size_t i = 0; i < w.size(); i++)
                u[i] = w[i];
        }
    };
    absa::context c;
    const auto s = absa::space::host<double>(c, N);
    std::vector<double> theta(N, 1.0);
    theta[3] = 2.0;
    auto o = absa::defaults<absa_gauss_newton_options>();
    o.rows = 1;
    o.outputs = N;
    o.loss = ABSA_OUTPUT_HOST;
    const char *bad = nullptr;
    const auto op = absa::linear_operator::from_gauss_newton<double>(s, theta, o, model{&bad});
    absa::estimator e(s, basis());
    for (const char *name : {"forward", "backward", "curvature"}) {
        bad = name;
        CHECK(tap::throws([&] { e.run(op); }, 9));
    }
    bad = nullptr;
    CHECK(std::fabs(e.run(op).value - 4.0) < 0.05);
}

TEST(vectors_behind_a_table_and_its_exceptions)
{
    for (const char *name :
         {"", "alloc", "axpby", "dots", "gaussian", "combine", "read", "write"}) {
        full_table t;
        const auto live = t.live;
        const auto bad = t.bad;
        {
            absa::context c;
            const auto s = absa::space::of(c, ABSA_ELEMENT_F64, N, t);
            const auto op = absa::linear_operator::from_hvp<void>(s, multiply_own);
            const std::string what = name;
            if (what == "alloc") {
                *bad = what;
                CHECK(tap::throws([&] { absa::estimator never(s, basis()); }, 5));
            }
            absa::estimator e(s, basis());
            CHECK(right(e.run(op)));
            *bad = what;
            if (what == "read")
                CHECK(tap::throws([&] { e.save(); }, 5));
            else if (what == "write") {
                const auto state = e.save();
                CHECK(tap::throws([&] { e.load(state); }, 5));
            } else if (!what.empty() && what != "alloc" && what != "axpby")
                CHECK(tap::throws([&] { e.run(op); }, 5));
            bad->clear();
            CHECK(right(e.run(op)));
        }
        CHECK(*live == 0);
    }
    absa::context c;
    const auto s = absa::space::of(c, ABSA_ELEMENT_F64, N, table());
    const auto op = absa::linear_operator::from_hvp<void>(s, multiply_own);
    absa::estimator e(s, basis());
    CHECK(right(e.run(op)));
    CHECK(tap::throws<absa::error>(
        [&] { e.save(); }, [](const absa::error &x) { return x.status() == ABSA_E_UNSUPPORTED; }));
}

TEST(reductions_may_throw)
{
    absa::context c;
    bool bad = false, bad_vector = false;
    auto s = absa::space::host<double>(c, N);
    s.fields().distribution = ABSA_DISTRIBUTION_SHARDED;
    s.reduce([&](absa::view<double>) {
        if (bad)
            throw tap::thrown{4};
    });
    const auto op = absa::linear_operator::from_hvp<double>(s, multiply);
    absa::estimator e(s, basis());
    CHECK(right(e.run(op)));
    bad = true;
    CHECK(tap::throws([&] { e.run(op); }, 4));
    bad = false;
    CHECK(right(e.run(op)));
    auto r = absa::space::host<double>(c, N);
    r.fields().distribution = ABSA_DISTRIBUTION_REPLICATED;
    r.reduce([](absa::view<double>) {});
    const auto options = absa::linear_operator::summed_by<double>(r, [&](absa::view<double>) {
        if (bad_vector)
            throw tap::thrown{6};
    });
    const auto summed = absa::linear_operator::from_hvp<double>(r, multiply, options);
    absa::estimator f(r, basis());
    CHECK(right(f.run(summed)));
    bad_vector = true;
    CHECK(tap::throws([&] { f.run(summed); }, 6));
    bad_vector = false;
    CHECK(right(f.run(summed)));
}

TEST(means_over_batches)
{
    absa::context c;
    const auto s = absa::space::host<double>(c, N);
    double scale = 1.0;
    std::vector<absa::linear_operator> ops;
    for (int i = 0; i < 5; i++)
        ops.push_back(absa::linear_operator::from_hvp<double>(
            s, [&scale](absa::view<const double> v, absa::view<double> hv) {
                multiply(v, hv);
                for (double &x : hv)
                    x *= scale;
            }));
    std::vector<const absa::linear_operator *> parts;
    for (const auto &op : ops)
        parts.push_back(&op);
    absa::estimator e(s, basis());
    const auto choose = [&](std::int64_t batch) {
        if (batch == 4)
            throw tap::thrown{8};
        scale = 1.0 + 0.1 * static_cast<double>(batch);
    };
    const auto o = absa::defaults<absa_sampling_options>();
    CHECK(tap::throws([&] { e.sample(parts, {}, o, choose); }, 8));
    parts.pop_back();
    const auto m = e.sample(parts, {}, o, choose);
    CHECK(m.runs.size() == 4 && std::fabs(m.result.mean - 3.45) < 0.05);
    CHECK(std::fabs(m.mean.value - m.result.mean) < 1e-12);
    const auto again = absa::sampling_from_results(c, m.runs);
    CHECK(std::fabs(again.result.standard_error - m.result.standard_error) < 1e-12);
    const std::vector<double> values{1.0, 2.0, 3.0};
    CHECK(absa::sampling_from_values(c, values).mean == 2.0);
    std::vector<double> v(N), work(N), quotients(4);
    const auto run = e.run(ops[0]);
    e.vector(absa::view<double>(v));
    const auto q = e.quotients(parts, {}, v.data(), work.data(), run, quotients, o, choose);
    CHECK(q.batches == 4 && std::fabs(q.mean - 3.45) < 0.05);
    CHECK(right(e.sample({&ops[0], &ops[1]}).mean) || scale != 1.0);
}

TEST(blocks_have_their_own_space_and_eigenvalues)
{
    absa::context c;
    const auto s = absa::space::host<double>(c, N);
    const auto op = absa::linear_operator::from_hvp<double>(s, multiply);
    const std::vector<absa_block_range> ranges{{"first.weight", 0, 100, 1},
                                               {"last.weight", 100, 400, 2}};
    absa::block b(c, N, ranges);
    b.select("last:1");
    CHECK(b.count() == 400 && b.piece_count() == 1 && b.piece(0).first == 100);
    CHECK(b.parameter_count() == 500 && b.layer_count() == 2 && b.layer(0).count == 100);
    const auto part = b.space_of(c, s);
    const auto restricted = op.restrict_to(b.get());
    absa::estimator e(part, basis());
    CHECK(std::fabs(e.run(restricted).value - 1.0 / 101.0) < 1e-3);
    std::vector<double> small(400, 1.0), large(N), back(400);
    b.expand(s, small.data(), large.data());
    CHECK(large[99] == 0.0 && large[100] == 1.0);
    b.gather(s, large.data(), back.data());
    CHECK(back == small);
    const auto each = absa::block_eigenvalues(op, ranges);
    CHECK(each.size() == 2 && std::fabs(each[0].value - 3.0) < 0.03);
    absa::block more(c, N, ranges);
    more.select_range(0, 3).select_layers(1).select_name("first.*").select_share(0.5);
    CHECK(more.count() == 500);
}

TEST(errors_have_the_status_and_the_message)
{
    absa::context c;
    auto o = basis();
    o.tolerance = -1.0;
    const auto s = absa::space::host<double>(c, N);
    CHECK(tap::throws<absa::error>([&] { absa::estimator e(s, o); },
                                   [](const absa::error &x) {
                                       return x.status() == ABSA_E_INVALID &&
                                              std::strstr(x.what(), "tolerance") &&
                                              !std::strcmp(x.name(), "ABSA_E_INVALID");
                                   }));
    const auto op = absa::linear_operator::from_c(
        s, [](void *, const void *, void *, std::int64_t *) { return 42; }, nullptr);
    absa::estimator e(s, basis());
    CHECK(tap::throws<absa::error>([&] { e.run(op); },
                                   [](const absa::error &x) {
                                       return x.status() == ABSA_E_CALLBACK &&
                                              x.callback_code() == 42;
                                   }));
    CHECK(c.callback_code() == 42 && std::strlen(c.message()) > 0);
    CHECK(tap::throws<absa::error>(
        [&] { absa::linear_operator::from_hvp<float>(s, [](auto, auto) {}); },
        [](const absa::error &x) { return x.status() == ABSA_E_INVALID; }));
    std::vector<double> few(3);
    CHECK(
        tap::throws<absa::error>([&] { e.vector(absa::view<double>(few)); },
                                 [](const absa::error &x) { return std::strstr(x.what(), "3"); }));
    CHECK(tap::throws<absa::error>([&] { c.fail(ABSA_E_STATE, "as the library does"); },
                                   [](const absa::error &x) {
                                       return x.status() == ABSA_E_STATE &&
                                              std::strstr(x.what(), "as the library does");
                                   }));
    absa::set(c, o, "tolerance", "1/300");
    CHECK(o.tolerance == 1.0 / 300.0 && std::stod(absa::get(c, o, "tolerance")) == 1.0 / 300.0);
    CHECK(absa::eigen_option_names().size() > 5);
    CHECK(absa::estimator::memory(s, basis()).vectors == 61);
    absa::check_abi();
    CHECK(!std::strcmp(absa::version_string(), ABSA_VERSION_STRING) &&
          absa::version() == absa_version());
}

TEST(vectors_of_another_length_or_type_are_refused_before_anything_is_read)
{
    absa::context c;
    const auto s = absa::space::host<double>(c, N);
    const auto op = absa::linear_operator::from_hvp<double>(s, multiply);
    const std::vector<absa_block_range> ranges{{"a", 0, 100, 1}, {"b", 100, 400, 2}};
    absa::block b(c, N, ranges);
    b.select("b");
    const auto part = op.restrict_to(b.get()), both = absa::linear_operator::sum({&op, &op});
    const auto refused = [](const absa::linear_operator &o, std::size_t x, std::size_t y) {
        std::vector<double> in(x, 1.0), out(y, 7.0);
        return tap::throws<absa::error>([&] { o.apply<double>(in, out); },
                                        [&](const absa::error &e) {
                                            return e.status() == ABSA_E_INVALID &&
                                                   out == std::vector<double>(y, 7.0);
                                        });
    };
    for (const auto *o : {&op, &both})
        CHECK(refused(*o, 3, 3) && refused(*o, N, 3) && refused(*o, 3, N) && !refused(*o, N, N));
    CHECK(refused(part, N, N) && !refused(part, 400, 400));
    CHECK(!refused(op.shift(1.0), N, N) && refused(op.shift(1.0), 400, 400));
    std::vector<float> f(N, 1.0f), g(N);
    CHECK(tap::throws<absa::error>(
        [&] { op.apply<float>(f, g); },
        [](const absa::error &e) { return std::strstr(e.what(), "kind") != nullptr; }));
    const auto own = absa::space::of(c, ABSA_ELEMENT_F64, N, table());
    const auto opaque = absa::linear_operator::from_hvp<void>(own, multiply_own);
    CHECK(refused(opaque, N, N));
}

TEST(logs_and_allocators_may_throw)
{
    struct allocator {
        std::shared_ptr<int> left, live;
        void *allocate(std::size_t size, std::size_t align)
        {
            if (--*left == 0)
                throw tap::thrown{7};
            ++*live;
            return ::operator new(size, std::align_val_t(align < 64 ? 64 : align));
        }
        void release(void *pointer, std::size_t)
        {
            --*live;
            ::operator delete(pointer, std::align_val_t(64));
        }
    };
    const auto left = std::make_shared<int>(0), live = std::make_shared<int>(0);
    int logged = 0;
    {
        absa::context c(absa::context_hooks()
                            .log(
                                [&](std::int32_t, const char *) {
                                    if (++logged == 2)
                                        throw tap::thrown{1};
                                },
                                ABSA_LOG_INFO)
                            .allocator(allocator{left, live}));
        const auto s = absa::space::host<double>(c, N);
        int failures = 0;
        for (int k = 1; failures == k - 1; k++) {
            *left = k;
            failures += tap::throws([&] { absa::estimator e(s, basis()); }, 7);
        }
        CHECK(failures > 2);
        *left = 0;
        c.log(ABSA_LOG_WARNING, "one");
        CHECK(tap::throws([&] { c.log(ABSA_LOG_WARNING, "two"); }, 1));
        const auto zeros = c.allocate<double>(10);
        CHECK(zeros[9] == 0.0);
        const auto op = absa::linear_operator::from_hvp<double>(s, multiply);
        absa::estimator e(s, basis());
        CHECK(right(e.run(op)));
        absa_context *other = c.retain();
        CHECK(other == c.get());
        absa_context_destroy(&other);
    }
    CHECK(*live == 0);
}

TEST(views_are_made_of_whatever_lies_in_a_row)
{
    std::vector<float> v{1.0f, 2.0f};
    float a[3] = {1.0f, 2.0f, 3.0f};
    const absa::view<float> of_vector(v), of_array(a);
    const absa::view<const float> constant(of_vector);
    CHECK(of_vector.size() == 2 && of_array[2] == 3.0f && constant.data() == v.data());
    CHECK(absa::view<float>().empty());
#if __cplusplus >= 202002L
    const std::span<float> span(v);
    const absa::view<float> of_span(span);
    const std::span<float> back = of_span;
    CHECK(back.data() == v.data() && back.size() == 2);
#endif
}

int main()
{
    return tap::run();
}
