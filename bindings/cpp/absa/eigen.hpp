/** @file
 * The eigenvalue estimator and means over probe batches. See absa/eigen.h and absa/sampling.h.
 */
#ifndef ABSA_EIGEN_HPP
#define ABSA_EIGEN_HPP

#include <absa/block.hpp>

#include <optional>

namespace absa
{

/** @cond */
ABSA_CPP_DEFAULTS(absa_eigen_args)
ABSA_CPP_DEFAULTS(absa_pair)
ABSA_CPP_DEFAULTS(absa_sampling_options)
ABSA_CPP_DEFAULTS(absa_sampling_result)
/** @endcond */

/** One option by its name, as text. */
inline void set(const context &c, absa_eigen_options &o, const std::string &name,
                const std::string &value)
{
    c.shared()->check(absa_eigen_options_set(c.get(), &o, name.c_str(), value.c_str()));
}
inline std::string get(const context &c, const absa_eigen_options &o, const std::string &name)
{
    return detail::text(c.shared().get(), "absa_eigen_options_get",
                        [&](char *to, std::size_t room, std::size_t *size) {
                            return absa_eigen_options_get(c.get(), &o, name.c_str(), to, room,
                                                          size);
                        });
}
inline std::vector<std::string> eigen_option_names()
{
    std::vector<std::string> out;
    for (std::int32_t i = 0; const char *name = absa_eigen_options_name(i); i++)
        out.emplace_back(name);
    return out;
}

/** What an estimator holds. */
struct memory_need {
    std::int64_t vectors, bytes;
};

/** A mean over batches, the runs it is of, and their mean result. */
struct sampled {
    absa_sampling_result result;
    absa_eigen_result mean;
    std::vector<absa_eigen_result> runs;
};

/** An estimator for the operators of one space. */
class estimator
{
  public:
    explicit estimator(const space &s, absa_eigen_options o = defaults<absa_eigen_options>())
        : state_(s.shared()), keep_(s.keeps())
    {
        make(s, o);
    }
    /** f(const absa_eigen_result &now) watches every product; returning true ends the run with the
     * best so far. */
    template <class F>
    estimator(const space &s, absa_eigen_options o, F &&f) : state_(s.shared()), keep_(s.keeps())
    {
        auto user = detail::hold(state_->waits, std::forward<F>(f));
        using H = typename decltype(user)::element_type;
        o.monitor_user = user.get();
        o.monitor = [](void *u, const absa_eigen_result *now, std::int32_t *stop) {
            H *h = H::of(u);
            return h->waits->guard([&] {
                if constexpr (std::is_void_v<decltype(h->f(*now))>)
                    h->f(*now);
                else
                    *stop = h->f(*now) ? 1 : 0;
            });
        };
        keep_.push_back(std::move(user));
        make(s, o);
    }
    static memory_need memory(const space &s, absa_eigen_options o = defaults<absa_eigen_options>())
    {
        memory_need out{};
        detail::check(absa_eigen_memory(s.get(), &o, &out.vectors, &out.bytes),
                      "absa_eigen_memory");
        return out;
    }

    absa_eigen_result run(const linear_operator &op)
    {
        return run(op, nullptr);
    }
    absa_eigen_result run(const linear_operator &op, const absa_eigen_args &args)
    {
        return run(op, &args);
    }
    /** Goes on with an open run. */
    absa_eigen_result resume(const linear_operator &op)
    {
        auto out = defaults<absa_eigen_result>();
        state_->check(absa_eigen_continue(get(), op.get(), &out));
        return out;
    }
    /** Begins a run whose products the host brings: while (auto p = e.next()) { H x -> y;
     * e.put(); } */
    void start()
    {
        state_->check(absa_eigen_start(get(), nullptr));
    }
    void start(const absa_eigen_args &args)
    {
        state_->check(absa_eigen_start(get(), &args));
    }
    struct product {
        const void *x;
        void *y;
    };
    std::optional<product> next()
    {
        product p{};
        state_->check(absa_eigen_next(get(), &p.x, &p.y));
        return p.x ? std::optional<product>(p) : std::nullopt;
    }
    void put()
    {
        state_->check(absa_eigen_put(get()));
    }
    absa_eigen_result best() const
    {
        auto out = defaults<absa_eigen_result>();
        state_->check(absa_eigen_best(get(), &out));
        return out;
    }
    absa_pair pair(std::int64_t i = 0) const
    {
        auto out = defaults<absa_pair>();
        state_->check(absa_eigen_pair(get(), i, &out));
        return out;
    }
    template <class T> void vector(view<T> out)
    {
        room(out);
        vector(static_cast<void *>(out.data()));
    }
    void vector(void *out)
    {
        state_->check(absa_eigen_vector(get(), out));
    }
    template <class T> void pair_vector(std::int64_t i, view<T> out)
    {
        room(out);
        pair_vector(i, static_cast<void *>(out.data()));
    }
    void pair_vector(std::int64_t i, void *out)
    {
        state_->check(absa_eigen_pair_vector(get(), i, out));
    }
    bytes save(bool vectors = true) const
    {
        return detail::saved(*state_, [&](void *to, std::size_t room_, std::size_t *size) {
            return absa_eigen_save(get(), vectors ? 1 : 0, to, room_, size);
        });
    }
    void load(view<const unsigned char> from)
    {
        state_->check(absa_eigen_load(get(), from.data(), from.size()));
    }

    /** A run a batch; with o.select unset, each batch has its operator. */
    sampled sample(const std::vector<const linear_operator *> &parts,
                   view<const double> weights = {},
                   absa_sampling_options o = defaults<absa_sampling_options>())
    {
        return sample(parts, weights, o, [](std::int64_t) {});
    }
    /** f(std::int64_t batch) makes batch number batch the current one. */
    template <class F>
    sampled sample(const std::vector<const linear_operator *> &parts, view<const double> weights,
                   absa_sampling_options o, F &&f)
    {
        const auto user = select(o, std::forward<F>(f));
        const auto list = handles(parts, weights);
        sampled out{defaults<absa_sampling_result>(), defaults<absa_eigen_result>(),
                    std::vector<absa_eigen_result>(parts.size(), defaults<absa_eigen_result>())};
        state_->check(absa_sampling_run(get(), detail::count_of(list.size()), list.data(),
                                        weights.empty() ? nullptr : weights.data(), &o,
                                        out.runs.data(), &out.mean, &out.result));
        out.runs.resize(static_cast<std::size_t>(out.result.batches));
        return out;
    }
    /** Quotients of the batches along v; work is a vector of the space, run the run v is from. */
    template <class F>
    absa_sampling_result quotients(const std::vector<const linear_operator *> &parts,
                                   view<const double> weights, const void *v, void *work,
                                   const absa_eigen_result &run, view<double> values,
                                   absa_sampling_options o, F &&f)
    {
        const auto user = select(o, std::forward<F>(f));
        const auto list = handles(parts, weights);
        detail::same_size(parts.size(), values.size(), "parts and values");
        auto out = defaults<absa_sampling_result>();
        state_->check(absa_sampling_quotients(get(), detail::count_of(list.size()), list.data(),
                                              weights.empty() ? nullptr : weights.data(), v, work,
                                              &o, &run, values.data(), &out));
        return out;
    }
    absa_eigen *get() const noexcept
    {
        return handle_.get();
    }

  private:
    absa_eigen_result run(const linear_operator &op, const absa_eigen_args *args)
    {
        auto out = defaults<absa_eigen_result>();
        state_->check(absa_eigen_run(get(), op.get(), args, &out));
        return out;
    }
    void make(const space &s, const absa_eigen_options &o)
    {
        absa_eigen *made = nullptr;
        n_ = s.size();
        element_ = s.fields().element;
        state_->check(absa_eigen_create(state_->context, s.get(), &o, &made));
        handle_.reset(made);
    }
    template <class T> void room(view<T> out) const
    {
        if (element_ != detail::element<T>::value)
            throw error(ABSA_E_INVALID, "the vector's elements are not of the space's type");
        detail::same_size(out.size(), n_, "the vector and the space");
    }
    template <class F> auto select(absa_sampling_options &o, F &&f)
    {
        auto user = detail::hold(state_->waits, std::forward<F>(f));
        using H = typename decltype(user)::element_type;
        o.select_user = user.get();
        o.select = [](void *u, std::int64_t batch) {
            H *h = H::of(u);
            return h->waits->guard([&] { h->f(batch); });
        };
        return user;
    }
    static std::vector<absa_operator *> handles(const std::vector<const linear_operator *> &parts,
                                                view<const double> weights)
    {
        std::vector<absa_operator *> out;
        if (!weights.empty())
            detail::same_size(parts.size(), weights.size(), "parts and weights");
        for (const linear_operator *part : parts)
            out.push_back(part->get());
        return out;
    }
    std::shared_ptr<detail::state> state_;
    detail::keeps keep_;
    std::size_t n_ = 0;
    std::int32_t element_ = 0;
    std::unique_ptr<absa_eigen, detail::destroy<absa_eigen, absa_eigen_destroy>> handle_;
};

/** The mean of one figure per batch. */
inline absa_sampling_result sampling_from_values(const context &c, view<const double> values,
                                                 view<const double> weights = {},
                                                 double confidence = 0.95)
{
    if (!weights.empty())
        detail::same_size(values.size(), weights.size(), "values and weights");
    auto out = defaults<absa_sampling_result>();
    c.shared()->check(
        absa_sampling_from_values(c.get(), detail::count_of(values.size()), values.data(),
                                  weights.empty() ? nullptr : weights.data(), confidence, &out));
    return out;
}

/** The mean of finished runs, one a batch. */
inline sampled sampling_from_results(const context &c, view<const absa_eigen_result> runs,
                                     view<const double> weights = {}, double confidence = 0.95)
{
    if (!weights.empty())
        detail::same_size(runs.size(), weights.size(), "runs and weights");
    sampled out{defaults<absa_sampling_result>(), defaults<absa_eigen_result>(),
                std::vector<absa_eigen_result>(runs.begin(), runs.end())};
    c.shared()->check(absa_sampling_from_results(
        c.get(), detail::count_of(runs.size()), runs.data(),
        weights.empty() ? nullptr : weights.data(), confidence, &out.mean, &out.result));
    return out;
}

} // namespace absa

#endif
