/** @file
 * The batch size, learning rate and adversarial share controller, its replay and the time model.
 * See absa/controller.h and absa/cost.h.
 */
#ifndef ABSA_CONTROLLER_HPP
#define ABSA_CONTROLLER_HPP

#include <absa/core.hpp>

namespace absa
{

/** @cond */
ABSA_CPP_DEFAULTS(absa_controller_options)
ABSA_CPP_DEFAULTS(absa_plan)
ABSA_CPP_DEFAULTS(absa_micro)
ABSA_CPP_DEFAULTS(absa_decision)
ABSA_CPP_DEFAULTS(absa_replay)
ABSA_CPP_DEFAULTS(absa_cost_options)
ABSA_CPP_DEFAULTS(absa_cost_run)
ABSA_CPP_DEFAULTS(absa_cost_result)
/** @endcond */

/** The defaults with a preset's differences. */
inline absa_controller_options preset(std::int32_t number)
{
    auto o = defaults<absa_controller_options>();
    detail::check(absa_controller_options_preset(&o, number), "absa_controller_options_preset");
    return o;
}
/** One option by its name, as text. */
inline void set(const context &c, absa_controller_options &o, const std::string &name,
                const std::string &value)
{
    c.shared()->check(absa_controller_options_set(c.get(), &o, name.c_str(), value.c_str()));
}
inline std::string get(const context &c, const absa_controller_options &o, const std::string &name)
{
    return detail::text(c.shared().get(), "absa_controller_options_get",
                        [&](char *to, std::size_t room, std::size_t *size) {
                            return absa_controller_options_get(c.get(), &o, name.c_str(), to, room,
                                                               size);
                        });
}
inline std::vector<std::string> controller_option_names()
{
    std::vector<std::string> out;
    for (std::int32_t i = 0; const char *name = absa_controller_options_name(i); i++)
        out.emplace_back(name);
    return out;
}

/** What a controller calls. */
class controller_hooks
{
  public:
    /** f(const absa_decision &) after every decision. */
    template <class F> controller_hooks &journal(F &&f)
    {
        auto user = detail::hold(waits_, std::forward<F>(f));
        using H = typename decltype(user)::element_type;
        apply_.push_back([](absa_controller_options &o, const void *u) {
            o.journal_user = const_cast<void *>(u);
            o.journal = [](void *at, const absa_decision *decision) {
                H *h = H::of(at);
                return h->waits->guard([&] { h->f(*decision); });
            };
        });
        keep_.push_back(std::move(user));
        return *this;
    }
    /** double f(std::int64_t batch, std::int64_t batch_ref), the learning rate's factor, for
     * ABSA_LR_RULE_HOST. */
    template <class F> controller_hooks &lr(F &&f)
    {
        auto user = detail::hold(waits_, std::forward<F>(f));
        using H = typename decltype(user)::element_type;
        apply_.push_back([](absa_controller_options &o, const void *u) {
            o.lr_user = const_cast<void *>(u);
            o.lr_function = [](void *at, std::int64_t batch, std::int64_t ref, double *factor) {
                H *h = H::of(at);
                return h->waits->guard([&] { *factor = h->f(batch, ref); });
            };
        });
        keep_.push_back(std::move(user));
        return *this;
    }
    /** f(view<double>) sums the values over all processes, in place. */
    template <class F> controller_hooks &reduce(F &&f)
    {
        auto user = detail::hold(waits_, std::forward<F>(f));
        using H = typename decltype(user)::element_type;
        apply_.push_back([](absa_controller_options &o, const void *u) {
            o.reduce_user = const_cast<void *>(u);
            o.reduce = [](void *at, double *values, std::int64_t count) {
                H *h = H::of(at);
                return h->waits->guard(
                    [&] { h->f(view<double>(values, static_cast<std::size_t>(count))); });
            };
        });
        keep_.push_back(std::move(user));
        return *this;
    }

  private:
    friend class controller;
    std::shared_ptr<detail::pending> waits_ = std::make_shared<detail::pending>();
    std::vector<void (*)(absa_controller_options &, const void *)> apply_;
    detail::keeps keep_;
};

/** The state machine. plan(), the update, advance(), and observe() when the plan says so. */
class controller
{
  public:
    controller(const context &c, absa_controller_options o, controller_hooks hooks = {})
        : state_(c.shared()), waits_(std::move(hooks.waits_)), keep_(std::move(hooks.keep_))
    {
        for (std::size_t i = 0; i < hooks.apply_.size(); i++)
            hooks.apply_[i](o, keep_[i].get());
        absa_controller *made = nullptr;
        check(absa_controller_create(state_->context, &o, &made));
        handle_.reset(made);
    }
    absa_plan plan(std::int64_t process = 0, std::int64_t processes = 1) const
    {
        auto out = defaults<absa_plan>();
        check(absa_controller_plan(get(), process, processes, &out));
        return out;
    }
    /** The next micro-batch of this process in the open window. */
    absa_micro micro(std::int64_t process = 0, std::int64_t processes = 1) const
    {
        auto out = defaults<absa_micro>();
        check(absa_controller_micro(get(), process, processes, &out));
        return out;
    }
    void advance(std::int64_t samples)
    {
        check(absa_controller_advance(get(), samples));
    }
    absa_decision observe(const absa_eigen_result &r)
    {
        auto out = defaults<absa_decision>();
        check(absa_controller_observe(get(), &r, &out));
        return out;
    }
    absa_decision observe(const absa_eigen_result &r, double standard_error)
    {
        auto out = defaults<absa_decision>();
        check(absa_controller_observe_sampled(get(), &r, standard_error, &out));
        return out;
    }
    absa_decision observe(double value)
    {
        auto out = defaults<absa_decision>();
        check(absa_controller_observe_value(get(), value, &out));
        return out;
    }
    void skip_measurement()
    {
        check(absa_controller_skip_measurement(get()));
    }
    void end_epoch()
    {
        check(absa_controller_end_epoch(get()));
    }
    void update_skipped()
    {
        check(absa_controller_update_skipped(get()));
    }
    void adversarial_collapse()
    {
        check(absa_controller_adversarial_collapse(get()));
    }
    void restart_window()
    {
        check(absa_controller_restart_window(get()));
    }
    bytes save() const
    {
        bytes out = detail::saved(*state_, [&](void *to, std::size_t room, std::size_t *size) {
            return absa_controller_save(get(), to, room, size);
        });
        return out;
    }
    void load(view<const unsigned char> from, bool other_options = false)
    {
        check(absa_controller_load(get(), from.data(), from.size(), other_options ? 1 : 0));
    }
    /** What these options would have decided on a journal's measurements. */
    absa_replay replay(view<const absa_decision> decisions)
    {
        auto out = defaults<absa_replay>();
        check(absa_controller_replay(get(), decisions.data(), detail::count_of(decisions.size()),
                                     sizeof(absa_decision), &out));
        return out;
    }
    absa_controller *get() const noexcept
    {
        return handle_.get();
    }

  private:
    void check(absa_status status) const
    {
        waits_->release();
        state_->check(status);
    }
    std::shared_ptr<detail::state> state_;
    std::shared_ptr<detail::pending> waits_;
    detail::keeps keep_;
    std::unique_ptr<absa_controller, detail::destroy<absa_controller, absa_controller_destroy>>
        handle_;
};

/** A reason by name. */
inline const char *reason_name(std::int32_t reason) noexcept
{
    return absa_reason_name(reason);
}

/** A decision as one line of JSON. */
inline std::string format(const absa_decision &d)
{
    return detail::text(nullptr, "absa_decision_format",
                        [&](char *to, std::size_t room, std::size_t *size) {
                            return absa_decision_format(&d, to, room, size);
                        });
}

/** The time of a data-parallel run. */
inline absa_cost_result cost(const context &c, const absa_cost_options &o, const absa_cost_run &run)
{
    auto out = defaults<absa_cost_result>();
    c.shared()->check(absa_cost_estimate(c.get(), &o, &run, &out));
    return out;
}

} // namespace absa

#endif
