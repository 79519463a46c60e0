/* The controller, its replay, the time model, attacks and random numbers from C++: the C library's
 * own decisions and bits, and exceptions through every callback. */
#include <absa/absa.hpp>

#include "cpp_tap.hpp"

#include <cmath>
#include <cstring>
#include <numeric>

namespace
{

absa_controller_options options()
{
    auto o = absa::defaults<absa_controller_options>();
    o.strategy = ABSA_STRATEGY_ABSA;
    o.samples = 1000;
    o.epochs = 6;
    o.batch = o.micro_batch = 20;
    o.batch_max = 320;
    o.lr = 0.1;
    o.measure_every = 300;
    return o;
}

/* Eigenvalues of a run that grows flat. */
double lambda(int measurement)
{
    return 10.0 / (1.0 + measurement);
}

/* Drives a controller through its run by the four functions that C and C++ bring. */
template <class Plan, class Advance, class Observe, class End>
std::vector<double> drive(Plan &&plan, Advance &&advance, Observe &&observe, End &&end)
{
    std::vector<double> seen;
    int measurement = 0;
    for (;;) {
        const absa_plan p = plan();
        if (p.finished)
            return seen;
        seen.insert(seen.end(), {static_cast<double>(p.batch), p.lr, p.gamma});
        if (p.measure_due)
            observe(lambda(measurement++));
        else if (p.epoch_done)
            end();
        else
            advance(p.rows - p.rows_done);
    }
}

std::vector<double> drive(absa::controller &c)
{
    return drive([&] { return c.plan(); }, [&](std::int64_t n) { c.advance(n); },
                 [&](double x) { c.observe(x); }, [&] { c.end_epoch(); });
}

} // namespace

TEST(decisions_are_those_of_the_c_library)
{
    absa::context c;
    absa::controller mine(c, options());
    const auto seen = drive(mine);
    absa_context *ctx = nullptr;
    absa_controller *ctl = nullptr;
    const auto o = options();
    CHECK(!absa_context_create(nullptr, &ctx) && !absa_controller_create(ctx, &o, &ctl));
    const auto want = drive(
        [&] {
            auto p = absa::defaults<absa_plan>();
            absa_controller_plan(ctl, 0, 1, &p);
            return p;
        },
        [&](std::int64_t n) { absa_controller_advance(ctl, n); },
        [&](double x) { absa_controller_observe_value(ctl, x, nullptr); },
        [&] { absa_controller_end_epoch(ctl); });
    CHECK(seen == want && seen.size() > 100);
    CHECK(mine.plan().batch > 20);
    absa_controller_destroy(&ctl);
    absa_context_destroy(&ctx);
}

TEST(state_travels_and_other_options_are_refused)
{
    absa::context c;
    absa::controller a(c, options()), b(c, options());
    a.advance(20);
    a.advance(20);
    const absa::bytes state = a.save();
    b.load(state);
    CHECK(b.plan().update == 2 && b.save() == state);
    auto other = options();
    other.lr = 0.3;
    absa::controller d(c, other);
    CHECK(tap::throws<absa::error>([&] { d.load(state); },
                                   [](const absa::error &e) {
                                       return e.status() == ABSA_E_MISMATCH &&
                                              std::strstr(e.what(), "lr");
                                   }));
    d.load(state, true);
    CHECK(d.plan().update == 2);
    const absa::bytes half(state.begin(), state.begin() + 10);
    CHECK(tap::throws<absa::error>(
        [&] { b.load(half); }, [](const absa::error &e) { return e.status() == ABSA_E_FORMAT; }));
    CHECK(b.save() == state);
    const absa::controller moved(std::move(b));
    CHECK(b.get() == nullptr && moved.save() == state);
}

TEST(exceptions_in_a_journal_a_rule_and_a_reduction)
{
    absa::context c;
    auto o = options();
    bool bad_journal = true, bad_rule = false, bad_sum = false;
    int entries = 0;
    o.lr_rule = ABSA_LR_RULE_HOST;
    absa::controller ctl(c, o,
                         absa::controller_hooks()
                             .journal([&](const absa_decision &) {
                                 if (bad_journal)
                                     throw tap::thrown{1};
                                 entries++;
                             })
                             .lr([&](std::int64_t batch, std::int64_t ref) {
                                 if (bad_rule)
                                     throw tap::thrown{2};
                                 return std::sqrt(static_cast<double>(batch) /
                                                  static_cast<double>(ref));
                             })
                             .reduce([&](absa::view<double>) {
                                 if (bad_sum)
                                     throw tap::thrown{3};
                             }));
    auto until_due = [&] {
        for (auto p = ctl.plan(); !p.measure_due; p = ctl.plan())
            if (p.epoch_done)
                ctl.end_epoch();
            else
                ctl.advance(p.rows - p.rows_done);
    };
    until_due();
    CHECK(tap::throws([&] { ctl.observe(5.0); }, 1));
    bad_journal = false;
    until_due();
    bad_sum = true;
    CHECK(tap::throws([&] { ctl.observe(5.0); }, 3));
    bad_sum = false;
    until_due();
    ctl.observe(4.0);
    CHECK(entries > 0);
    bad_rule = true;
    CHECK(tap::throws(
        [&] {
            absa::controller other(
                c, o, absa::controller_hooks().lr([&](std::int64_t, std::int64_t) -> double {
                    throw tap::thrown{2};
                }));
            drive(other);
        },
        2));
    bad_rule = false;
    CHECK(!drive(ctl).empty());
}

TEST(every_event_has_its_function)
{
    absa::context c;
    auto given = absa::preset(ABSA_PRESET_AUTHORS);
    given.samples = 1000;
    given.epochs = 3;
    CHECK(given.patience != options().patience || given.batch_ratio != options().batch_ratio);
    CHECK(absa::controller(c, given).plan().batch == given.batch);
    CHECK(tap::throws<absa::error>([&] { absa::preset(99); },
                                   [](const absa::error &e) { return e.status() != ABSA_OK; }));
    auto o = options();
    absa::set(c, o, "lr", "1/8");
    CHECK(o.lr == 0.125 && std::stod(absa::get(c, o, "lr")) == 0.125);
    CHECK(absa::controller_option_names().size() > 20);
    absa::controller t(c, o);
    const auto m = t.micro();
    CHECK(m.rows == 20 && m.first == 0 && m.last == 1);
    t.advance(m.global_rows);
    t.update_skipped();
    t.restart_window();
    for (auto p = t.plan(); !p.measure_due; p = t.plan())
        t.advance(p.rows - p.rows_done);
    t.skip_measurement();
    for (auto p = t.plan(); !p.measure_due; p = t.plan())
        t.advance(p.rows - p.rows_done);
    auto r = absa::defaults<absa_eigen_result>();
    r.value = r.lower = r.upper = 7.0;
    r.converged = r.consistent = 1;
    const auto d = t.observe(r);
    CHECK(d.value == 7.0 && std::strlen(absa::reason_name(d.reason)) > 0);
    CHECK(absa::format(d).front() == '{');
    for (auto p = t.plan(); !p.measure_due; p = t.plan())
        if (p.epoch_done)
            t.end_epoch();
        else
            t.advance(p.rows - p.rows_done);
    CHECK(t.observe(r, 0.5).value == 7.0);
    t.adversarial_collapse();
}

TEST(a_journal_replays)
{
    absa::context c;
    std::vector<absa_decision> journal;
    absa::controller recorded(
        c, options(),
        absa::controller_hooks().journal([&](const absa_decision &d) { journal.push_back(d); }));
    drive(recorded);
    absa::controller again(c, options());
    const auto r = again.replay(journal);
    CHECK(r.undetermined == 0 || r.replayed > 0);
    CHECK(again.plan().batch == recorded.plan().batch);
}

TEST(the_time_model)
{
    absa::context c;
    auto o = absa::defaults<absa_cost_options>();
    auto run = absa::defaults<absa_cost_run>();
    o.processes = 1;
    run.updates = 100;
    run.rows = 3200;
    o.row_time = 1e-3;
    const auto t = absa::cost(c, o, run);
    CHECK(std::fabs(t.total - 3.2) < 1e-9);
}

TEST(attacks_from_cpp)
{
    std::vector<float> x(12, 0.5f), g(12, -1.0f), out(12);
    g[0] = 1.0f;
    absa::fgsm(3, x, g, 0.25, 0.0, 0.7, out);
    CHECK(out[0] == 0.75f || out[0] == 0.7f);
    CHECK(out[1] == 0.25f);
    CHECK(tap::throws<absa::error>(
        [&] { absa::fgsm(5, x, g, 0.1, 0.0, 1.0, out); },
        [](const absa::error &e) { return e.status() == ABSA_E_INVALID; }));
    auto o = absa::attack(ABSA_ATTACK_PGD);
    o.row_size = 4;
    o.epsilon = 0.25;
    o.lo = 0.0;
    o.hi = 1.0;
    std::vector<float> work(12), point(12);
    const auto gradient = [&](std::int64_t rows, const void *, void *to) {
        std::memcpy(to, g.data(), static_cast<std::size_t>(rows) * 4 * sizeof(float));
    };
    absa::perturb_run(o, 3, x.data(), gradient, work.data(), point.data());
    CHECK(std::fabs(point[0] - 0.75f) < 1e-6f && std::fabs(point[1] - 0.25f) < 1e-6f);
    CHECK(tap::throws(
        [&] {
            absa::perturb_run(
                o, 3, x.data(), [](std::int64_t, const void *, void *) { throw tap::thrown{11}; },
                work.data(), point.data());
        },
        11));
    absa::perturb_start(o, 3, x.data(), point.data());
    absa::perturb_step(o, 3, x.data(), g.data(), point.data());
    auto one = absa::attack(ABSA_ATTACK_FGSM);
    one.row_size = 4;
    one.epsilon = 0.25;
    absa::perturb(one, 3, x.data(), g.data(), point.data());
    CHECK(point[0] == 0.75f);
    const std::vector<double> mean{0.5, 0.4}, std{0.25, 0.5};
    const auto n = absa::perturb_normalised(0.01, mean, std);
    CHECK(n.epsilon[0] == 0.01 / 0.25 && n.hi[1] == (1.0 - 0.4) / 0.5);
    const std::vector<double> low(100, 0.1), high(100, 3.0);
    absa::collapse(absa::defaults<absa_collapse_options>(), low, low, high);
}

TEST(selections_from_cpp)
{
    CHECK(absa::selection_count(100, 0.25, ABSA_ROUNDING_FLOOR, 1, 2) == 25);
    CHECK(absa::selection_prefix(10, 8, 5) == 2);
    auto s = absa::defaults<absa_selection>();
    s.count = 10;
    std::vector<std::int64_t> ids(40);
    std::iota(ids.begin(), ids.end(), 5);
    CHECK(tap::throws(
        [&] { absa::selection_keyed(s, ids, [](absa::view<double>) { throw tap::thrown{12}; }); },
        12));
    absa::selection_keyed(s, ids);
    std::vector<std::uint8_t> by_id(40), by_first(40);
    CHECK(absa::selection_rows(s, ids, by_id) == 10);
    CHECK(absa::selection_rows(s, 5, by_first) == 10 && by_id == by_first);
}

TEST(random_numbers_are_those_of_the_c_library)
{
    std::vector<double> u(9), w(9), a(9), b(9);
    std::vector<float> f(9);
    absa::uniform(1, 2, 3, u);
    absa_random_uniform(1, 2, 3, 9, w.data());
    CHECK(u == w);
    absa::gaussian(1, 2, 3, absa::view<double>(a));
    absa_random_gaussian_f64(1, 2, 3, 9, b.data());
    CHECK(a == b);
    absa::gaussian(1, 2, 3, absa::view<float>(f));
    CHECK(f[4] == static_cast<float>(a[4]));
    CHECK(absa::philox({0, 0}, {0, 0, 0, 0})[0] == 0x6627e8d5u);
}

int main()
{
    return tap::run();
}
