/** @file
 * Adversarial inputs, selections of rows, the check for collapse, and the random sequences. See
 * absa/adversarial.h and absa/random.h.
 */
#ifndef ABSA_ADVERSARIAL_HPP
#define ABSA_ADVERSARIAL_HPP

#include <absa/core.hpp>

#include <array>

namespace absa
{

/** @cond */
ABSA_CPP_DEFAULTS(absa_perturb_options)
ABSA_CPP_DEFAULTS(absa_perturb_result)
ABSA_CPP_DEFAULTS(absa_selection)
ABSA_CPP_DEFAULTS(absa_collapse_options)
ABSA_CPP_DEFAULTS(absa_collapse_result)
/** @endcond */

/** The defaults of an attack. */
inline absa_perturb_options attack(std::int32_t number)
{
    auto o = defaults<absa_perturb_options>();
    detail::check(absa_perturb_options_attack(&o, number), "absa_perturb_options_attack");
    return o;
}

/** out = x + epsilon sign(g), clipped to [lo, hi]; rows of equal length. */
inline void fgsm(std::int64_t rows, view<const float> x, view<const float> g, double epsilon,
                 double lo, double hi, view<float> out)
{
    detail::same_size(x.size(), g.size(), "x and g");
    detail::same_size(x.size(), out.size(), "x and out");
    if (rows < 0 || (rows == 0) != x.empty() || (rows > 0 && detail::count_of(x.size()) % rows))
        throw error(ABSA_E_INVALID, "absa_fgsm: the elements are no whole rows");
    detail::check(absa_fgsm(rows, rows ? detail::count_of(x.size()) / rows : 1, x.data(), g.data(),
                            epsilon, lo, hi, out.data()),
                  "absa_fgsm");
}

inline absa_perturb_result perturb(const absa_perturb_options &o, std::int64_t rows, const void *x,
                                   const void *g, void *out)
{
    auto r = defaults<absa_perturb_result>();
    detail::check(absa_perturb(&o, rows, x, g, out, &r), "absa_perturb");
    return r;
}
inline absa_perturb_result perturb_start(const absa_perturb_options &o, std::int64_t rows,
                                         const void *x, void *point)
{
    auto r = defaults<absa_perturb_result>();
    detail::check(absa_perturb_start(&o, rows, x, point, &r), "absa_perturb_start");
    return r;
}
inline absa_perturb_result perturb_step(const absa_perturb_options &o, std::int64_t rows,
                                        const void *x, const void *g, void *point)
{
    auto r = defaults<absa_perturb_result>();
    detail::check(absa_perturb_step(&o, rows, x, g, point, &r), "absa_perturb_step");
    return r;
}
/** All steps: f(std::int64_t rows, const void *point, void *g) writes the gradient of the loss by
 * the inputs there. */
template <class F>
absa_perturb_result perturb_run(const absa_perturb_options &o, std::int64_t rows, const void *x,
                                F &&f, void *g, void *out)
{
    auto user = detail::hold(std::make_shared<detail::pending>(), std::forward<F>(f));
    using H = typename decltype(user)::element_type;
    auto r = defaults<absa_perturb_result>();
    const absa_status status = absa_perturb_run(
        &o, rows, x,
        [](void *u, std::int64_t count, const void *point, void *gradient) {
            H *h = H::of(u);
            return h->waits->guard([&] { h->f(count, point, gradient); });
        },
        user.get(), g, out, &r);
    user->waits->release();
    detail::check(status, "absa_perturb_run");
    return r;
}

/** Budget and box of inputs that were normalised channel by channel. */
struct normalised {
    std::vector<double> epsilon, lo, hi;
};
inline normalised perturb_normalised(double pixel_epsilon, view<const double> mean,
                                     view<const double> std)
{
    detail::same_size(mean.size(), std.size(), "mean and std");
    const std::size_t n = mean.size();
    normalised out{std::vector<double>(n), std::vector<double>(n), std::vector<double>(n)};
    detail::check(absa_perturb_normalised(detail::count_of(n), pixel_epsilon, mean.data(),
                                          std.data(), out.epsilon.data(), out.lo.data(),
                                          out.hi.data()),
                  "absa_perturb_normalised");
    return out;
}

inline std::int64_t selection_count(std::int64_t batch, double share, std::int32_t rounding,
                                    std::uint64_t seed, std::int64_t update)
{
    std::int64_t out = 0;
    detail::check(absa_selection_count(batch, share, rounding, seed, update, &out),
                  "absa_selection_count");
    return out;
}
inline std::int64_t selection_prefix(std::int64_t count, std::int64_t first,
                                     std::int64_t rows) noexcept
{
    return absa_selection_prefix(count, first, rows);
}
/** Finds the key below which s.count of all rows lie; f(view<double>) sums over processes. */
template <class F> void selection_keyed(absa_selection &s, view<const std::int64_t> ids, F &&f)
{
    auto user = detail::hold(std::make_shared<detail::pending>(), std::forward<F>(f));
    using H = typename decltype(user)::element_type;
    const absa_status status = absa_selection_keyed(
        &s, detail::count_of(ids.size()), ids.data(),
        [](void *u, double *values, std::int64_t count) {
            H *h = H::of(u);
            return h->waits->guard(
                [&] { h->f(view<double>(values, static_cast<std::size_t>(count))); });
        },
        user.get());
    user->waits->release();
    detail::check(status, "absa_selection_keyed");
}
/** On one process. */
inline void selection_keyed(absa_selection &s, view<const std::int64_t> ids)
{
    detail::check(
        absa_selection_keyed(&s, detail::count_of(ids.size()), ids.data(), nullptr, nullptr),
        "absa_selection_keyed");
}
/** Marks the chosen rows of these ids and returns how many. */
inline std::int64_t selection_rows(const absa_selection &s, view<const std::int64_t> ids,
                                   view<std::uint8_t> selected)
{
    std::int64_t chosen = 0;
    detail::same_size(ids.size(), selected.size(), "ids and selected");
    detail::check(absa_selection_rows(&s, detail::count_of(ids.size()), ids.data(), 0,
                                      selected.data(), &chosen),
                  "absa_selection_rows");
    return chosen;
}
/** Marks the chosen rows of first_id, first_id + 1, ... */
inline std::int64_t selection_rows(const absa_selection &s, std::int64_t first_id,
                                   view<std::uint8_t> selected)
{
    std::int64_t chosen = 0;
    detail::check(absa_selection_rows(&s, detail::count_of(selected.size()), nullptr, first_id,
                                      selected.data(), &chosen),
                  "absa_selection_rows");
    return chosen;
}

/** Has one-step training collapsed? Losses row by row. */
inline absa_collapse_result collapse(const absa_collapse_options &o, view<const double> clean,
                                     view<const double> one_step, view<const double> many_steps)
{
    detail::same_size(clean.size(), one_step.size(), "clean and one_step");
    detail::same_size(clean.size(), many_steps.size(), "clean and many_steps");
    auto r = defaults<absa_collapse_result>();
    detail::check(absa_collapse_check(&o, detail::count_of(clean.size()), clean.data(),
                                      one_step.data(), many_steps.data(), &r),
                  "absa_collapse_check");
    return r;
}

/** One block of Philox4x32-10. */
inline std::array<std::uint32_t, 4> philox(const std::array<std::uint32_t, 2> &key,
                                           const std::array<std::uint32_t, 4> &counter) noexcept
{
    std::array<std::uint32_t, 4> out{};
    absa_random_philox(key.data(), counter.data(), out.data());
    return out;
}
/** Elements first, first + 1, ... of the sequence (seed, stream). */
inline void uniform(std::uint64_t seed, std::uint64_t stream, std::int64_t first,
                    view<double> out) noexcept
{
    absa_random_uniform(seed, stream, first, detail::count_of(out.size()), out.data());
}
inline void gaussian(std::uint64_t seed, std::uint64_t stream, std::int64_t first,
                     view<double> out) noexcept
{
    absa_random_gaussian_f64(seed, stream, first, detail::count_of(out.size()), out.data());
}
inline void gaussian(std::uint64_t seed, std::uint64_t stream, std::int64_t first,
                     view<float> out) noexcept
{
    absa_random_gaussian_f32(seed, stream, first, detail::count_of(out.size()), out.data());
}

} // namespace absa

#endif
