/** @file
 * Spaces and operators: whose vectors they are, and how they are multiplied by a Hessian. See
 * absa/vector.h and absa/operator.h.
 */
#ifndef ABSA_OPERATOR_HPP
#define ABSA_OPERATOR_HPP

#include <absa/core.hpp>

namespace absa
{

/** @cond */
ABSA_CPP_DEFAULTS(absa_space)
ABSA_CPP_DEFAULTS(absa_operator_options)
ABSA_CPP_DEFAULTS(absa_difference_options)
ABSA_CPP_DEFAULTS(absa_gauss_newton_options)
ABSA_CPP_DEFAULTS(absa_check_result)

namespace detail
{

template <class V, class = void> struct has_combine : std::false_type {
};
template <class V>
struct has_combine<
    V, std::void_t<decltype(std::declval<V &>().combine(
           std::int64_t{}, std::declval<const double *>(), std::declval<const void *const *>(), 0.0,
           std::declval<void *>(), std::declval<double *>()))>> : std::true_type {
};
template <class V, class = void> struct has_read : std::false_type {
};
template <class V>
struct has_read<
    V, std::void_t<decltype(std::declval<V &>().read(std::declval<const void *>(), std::int64_t{},
                                                     std::int64_t{}, std::declval<double *>()))>>
    : std::true_type {
};
template <class V, class = void> struct has_write : std::false_type {
};
template <class V>
struct has_write<V, std::void_t<decltype(std::declval<V &>().write(std::int64_t{}, std::int64_t{},
                                                                   std::declval<const double *>(),
                                                                   std::declval<void *>()))>>
    : std::true_type {
};

/** The C table over an object of the host. */
template <class V> struct vector_table {
    V vectors;
    std::shared_ptr<pending> waits;
    absa_vector_ops ops{};

    static vector_table *of(void *user) noexcept
    {
        return static_cast<vector_table *>(user);
    }
    vector_table(V &&v, std::shared_ptr<pending> w) : vectors(std::move(v)), waits(std::move(w))
    {
        ops.struct_size = sizeof ops;
        ops.alloc = [](void *u, void **out) {
            vector_table *t = of(u);
            return t->waits->guard([&] { *out = t->vectors.alloc(); });
        };
        ops.release = [](void *u, void *x) {
            vector_table *t = of(u);
            t->waits->guard([&] { t->vectors.release(x); });
        };
        ops.axpby = [](void *u, double a, const void *x, double b, void *y) {
            vector_table *t = of(u);
            return t->waits->guard([&] { t->vectors.axpby(a, x, b, y); });
        };
        ops.dots = [](void *u, std::int64_t n, const void *const *x, const void *y, double *out) {
            vector_table *t = of(u);
            return t->waits->guard([&] { t->vectors.dots(n, x, y, out); });
        };
        ops.gaussian = [](void *u, std::uint64_t seed, std::uint64_t stream, void *y) {
            vector_table *t = of(u);
            return t->waits->guard([&] { t->vectors.gaussian(seed, stream, y); });
        };
        if constexpr (has_combine<V>::value)
            ops.combine = [](void *u, std::int64_t n, const double *a, const void *const *x,
                             double b, void *y, double *square) {
                vector_table *t = of(u);
                return t->waits->guard([&] { t->vectors.combine(n, a, x, b, y, square); });
            };
        if constexpr (has_read<V>::value)
            ops.read = [](void *u, const void *x, std::int64_t first, std::int64_t n, double *out) {
                vector_table *t = of(u);
                return t->waits->guard([&] { t->vectors.read(x, first, n, out); });
            };
        if constexpr (has_write<V>::value)
            ops.write = [](void *u, std::int64_t first, std::int64_t n, const double *in, void *y) {
                vector_table *t = of(u);
                return t->waits->guard([&] { t->vectors.write(first, n, in, y); });
            };
    }
};

} // namespace detail
/** @endcond */

/** The space that vectors are of; fields() may be changed before it is used. */
class space
{
  public:
    /** n contiguous elements in host memory, on one process. */
    template <class T> static space host(const context &c, std::int64_t n)
    {
        space made(c);
        absa_space_host(&made.fields_, sizeof made.fields_, detail::element<T>::value, n);
        return made;
    }
    /** Vectors that only v can touch, n elements of this kind: v has the functions of
     * absa_vector_ops without their user: void *alloc(), release(), axpby(), dots(), gaussian(),
     * and, where it has them, combine(), read(), write(). */
    template <class V> static space of(const context &c, std::int32_t element, std::int64_t n, V v)
    {
        space made(c);
        absa_space_host(&made.fields_, sizeof made.fields_, element, n);
        auto table = std::make_shared<detail::vector_table<V>>(std::move(v), c.shared()->waits);
        made.fields_.ops = &table->ops;
        made.fields_.ops_user = table.get();
        made.keep_.push_back(std::move(table));
        return made;
    }
    /** f(view<double>) sums the values over all processes, in place. */
    template <class F> space &reduce(F &&f)
    {
        auto user = detail::hold(state_->waits, std::forward<F>(f));
        using H = typename decltype(user)::element_type;
        fields_.reduce_user = user.get();
        fields_.reduce = [](void *u, double *values, std::int64_t count) {
            H *h = H::of(u);
            return h->waits->guard(
                [&] { h->f(view<double>(values, static_cast<std::size_t>(count))); });
        };
        keep_.push_back(std::move(user));
        return *this;
    }
    /** A space that C code described; what it points to stays the caller's. */
    space(const context &c, const absa_space &fields) : state_(c.shared()), fields_(fields)
    {
    }

    absa_space &fields() noexcept
    {
        return fields_;
    }
    const absa_space &fields() const noexcept
    {
        return fields_;
    }
    const absa_space *get() const noexcept
    {
        return &fields_;
    }
    std::size_t size() const noexcept
    {
        return static_cast<std::size_t>(fields_.n);
    }
    /** @cond */
    const std::shared_ptr<detail::state> &shared() const noexcept
    {
        return state_;
    }
    const detail::keeps &keeps() const noexcept
    {
        return keep_;
    }
    void keep(std::shared_ptr<const void> what)
    {
        keep_.push_back(std::move(what));
    }
    /** @endcond */

  private:
    explicit space(const context &c) : state_(c.shared()), fields_(defaults<absa_space>())
    {
    }
    std::shared_ptr<detail::state> state_;
    absa_space fields_;
    detail::keeps keep_;
};

/** A symmetric operator; see absa/operator.h. Sums, shifts and blocks keep their parts alive. */
class linear_operator
{
  public:
    /** f(view<const T> v, view<T> hv) writes H v; it may return the samples it covered. With T void
     * it gets the space's own vectors, (const void *, void *). */
    template <class T, class F>
    static linear_operator from_hvp(const space &s, F &&f,
                                    absa_operator_options o = defaults<absa_operator_options>())
    {
        same_element<T>(s);
        auto user = std::make_shared<product<T, std::decay_t<F>>>(
            product<T, std::decay_t<F>>{std::forward<F>(f), s.size(), s.shared()->waits});
        linear_operator made(s);
        made.body_->keep.push_back(user);
        s.shared()->check(absa_operator_from_hvp(s.shared()->context, s.get(),
                                                 product<T, std::decay_t<F>>::call, user.get(), &o,
                                                 &made.body_->op));
        return made;
    }
    /** Differences of gradients at theta, which is moved and put back bit for bit. f(view<const T>
     * theta, view<T> g) writes the gradient there; it may return the samples it covered. */
    template <class T, class F>
    static linear_operator
    from_gradient(const space &s, view<T> theta, F &&f,
                  absa_difference_options d = defaults<absa_difference_options>(),
                  absa_operator_options o = defaults<absa_operator_options>())
    {
        same_element<T>(s);
        detail::same_size(theta.size(), s.size(), "theta and the space");
        auto user = std::make_shared<product<T, std::decay_t<F>>>(
            product<T, std::decay_t<F>>{std::forward<F>(f), s.size(), s.shared()->waits});
        linear_operator made(s);
        made.body_->keep.push_back(user);
        s.shared()->check(absa_operator_from_gradient(s.shared()->context, s.get(), theta.data(),
                                                      product<T, std::decay_t<F>>::call, user.get(),
                                                      &d, &o, &made.body_->op));
        return made;
    }
    /** Gauss-Newton products from m.forward(view<const T> theta, view<double> z), which gives the
     * outputs of o.rows rows, and m.backward(view<const T> theta, view<const double> u, view<T> g);
     * for ABSA_LOSS_HOST also m.curvature(view<const double> z, view<const double> w,
     * view<double> u). forward() may return how many rows it covered. */
    template <class T, class M>
    static linear_operator
    from_gauss_newton(const space &s, view<T> theta, absa_gauss_newton_options o, M &&m,
                      absa_operator_options given = defaults<absa_operator_options>())
    {
        using G = gauss_newton<T, std::decay_t<M>>;
        same_element<T>(s);
        detail::same_size(theta.size(), s.size(), "theta and the space");
        auto user = std::make_shared<G>(
            G{std::forward<M>(m), s.size(), o.rows, o.outputs, s.shared()->waits});
        o.forward = G::forward;
        o.backward = G::backward;
        if constexpr (has_curvature<std::decay_t<M>>::value)
            o.curvature = G::curvature;
        linear_operator made(s);
        made.body_->keep.push_back(user);
        s.shared()->check(absa_operator_from_gauss_newton(
            s.shared()->context, s.get(), theta.data(), &o, user.get(), &given, &made.body_->op));
        return made;
    }
    /** A callback of C, such as absa_refnet_hvp_callback; user stays the caller's. */
    static linear_operator from_c(const space &s, absa_hvp_fn hvp, void *user,
                                  absa_operator_options o = defaults<absa_operator_options>())
    {
        linear_operator made(s);
        s.shared()->check(
            absa_operator_from_hvp(s.shared()->context, s.get(), hvp, user, &o, &made.body_->op));
        return made;
    }
    /** The mean of the parts by these weights; no weights: by the samples that each covers. */
    static linear_operator sum(const std::vector<const linear_operator *> &parts,
                               view<const double> weights = {})
    {
        if (parts.empty())
            throw error(ABSA_E_INVALID, "absa_operator_sum: no parts");
        if (!weights.empty())
            detail::same_size(parts.size(), weights.size(), "parts and weights");
        linear_operator made(*parts[0]->body_, {});
        std::vector<absa_operator *> list;
        for (const linear_operator *part : parts) {
            list.push_back(part->get());
            made.body_->keep.push_back(part->body_);
        }
        made.body_->state->check(absa_operator_sum(
            made.body_->state->context, detail::count_of(list.size()), list.data(),
            weights.empty() ? nullptr : weights.data(), &made.body_->op));
        return made;
    }
    /** This plus by times the identity, as weight decay is. */
    linear_operator shift(double by) const
    {
        linear_operator made(*body_, {body_});
        body_->state->check(absa_operator_shift(body_->state->context, get(), by, &made.body_->op));
        return made;
    }
    /** The operator of a block's parameters alone. */
    linear_operator restrict_to(const absa_block *block) const
    {
        linear_operator made(*body_, {body_});
        absa_space &part = made.body_->space;
        body_->state->check(absa_operator_from_block(get(), block, &made.body_->op));
        body_->state->check(absa_block_space(block, &body_->space, &part, sizeof part));
        return made;
    }
    /** f(view<T>) sums a product over processes in place: set before the operator is made, by
     * from_hvp(space, f, summed_by<T>(space, f)). */
    template <class T, class F> static absa_operator_options summed_by(space &s, F &&f)
    {
        using P = summing<T, std::decay_t<F>>;
        auto user = std::make_shared<P>(P{std::forward<F>(f), s.size(), s.shared()->waits});
        absa_operator_options o = defaults<absa_operator_options>();
        o.reduce_vector = P::call;
        o.reduce_user = user.get();
        s.keep(std::move(user));
        return o;
    }

    /** y = H x, of contiguous vectors in host memory. */
    template <class T> void apply(view<const T> x, view<T> y) const
    {
        const absa_space &s = body_->space;
        if (!contiguous<T>(s))
            throw error(ABSA_E_INVALID, "the vectors are not of the operator's kind");
        detail::same_size(x.size(), static_cast<std::size_t>(s.n), "x and the operator");
        detail::same_size(y.size(), static_cast<std::size_t>(s.n), "y and the operator");
        apply(static_cast<const void *>(x.data()), static_cast<void *>(y.data()));
    }
    void apply(const void *x, void *y) const
    {
        body_->state->check(absa_operator_apply(get(), x, y));
    }
    /** Symmetry, repeatability, linearity and scale; verdict_text() has it in words. */
    absa_check_result check(std::uint64_t seed = 0) const
    {
        auto out = defaults<absa_check_result>();
        body_->state->check(absa_operator_check(get(), seed, &out));
        return out;
    }
    std::int64_t products() const noexcept
    {
        return absa_operator_products(get());
    }
    absa_operator *get() const noexcept
    {
        return body_ ? body_->op : nullptr;
    }
    linear_operator(linear_operator &&) noexcept = default;
    linear_operator &operator=(linear_operator &&) noexcept = default;
    /** @cond */
    const std::shared_ptr<detail::state> &shared() const noexcept
    {
        return body_->state;
    }
    void keep(std::shared_ptr<const void> what)
    {
        body_->keep.push_back(std::move(what));
    }
    /** @endcond */

  private:
    struct body {
        std::shared_ptr<detail::state> state;
        detail::keeps keep;
        absa_space space;
        absa_operator *op = nullptr;
        body(std::shared_ptr<detail::state> s, detail::keeps k, const absa_space &of)
            : state(std::move(s)), keep(std::move(k)), space(of)
        {
        }
        body(const body &) = delete;
        body &operator=(const body &) = delete;
        ~body()
        {
            absa_operator_destroy(&op);
        }
    };
    explicit linear_operator(const space &s)
        : body_(std::make_shared<body>(s.shared(), s.keeps(), s.fields()))
    {
    }
    /** Of another one's vectors. */
    linear_operator(const body &like, detail::keeps k)
        : body_(std::make_shared<body>(like.state, std::move(k), like.space))
    {
    }
    /** Are the space's vectors elements of T one behind the other? */
    template <class T> static bool contiguous(const absa_space &s) noexcept
    {
        return s.element == detail::element<T>::value && !s.ops && !s.segments;
    }
    template <class T> static void same_element(const space &s)
    {
        if constexpr (!std::is_void_v<T>)
            if (!contiguous<T>(s.fields()))
                throw error(ABSA_E_INVALID, "the space does not hold contiguous elements of the "
                                            "callable's type; take void for its own vectors");
    }
    /** in -> out of one length: products and gradients. */
    template <class T, class F> struct product {
        F f;
        std::size_t n;
        std::shared_ptr<detail::pending> waits;
        static int call(void *user, const void *in, void *out, std::int64_t *samples) noexcept
        {
            product *p = static_cast<product *>(user);
            return p->waits->guard([&] { p->go(in, out, samples); });
        }
        void go(const void *in, void *out, std::int64_t *samples)
        {
            if constexpr (std::is_void_v<T>) {
                if constexpr (std::is_void_v<decltype(f(in, out))>)
                    f(in, out);
                else
                    *samples = static_cast<std::int64_t>(f(in, out));
            } else {
                const view<const T> x(static_cast<const T *>(in), n);
                const view<T> y(static_cast<T *>(out), n);
                if constexpr (std::is_void_v<decltype(f(x, y))>)
                    f(x, y);
                else
                    *samples = static_cast<std::int64_t>(f(x, y));
            }
        }
    };
    template <class T, class F> struct summing {
        F f;
        std::size_t n;
        std::shared_ptr<detail::pending> waits;
        static int call(void *user, void *y) noexcept
        {
            summing *p = static_cast<summing *>(user);
            return p->waits->guard([&] {
                if constexpr (std::is_void_v<T>)
                    p->f(y);
                else
                    p->f(view<T>(static_cast<T *>(y), p->n));
            });
        }
    };
    template <class M, class = void> struct has_curvature : std::false_type {
    };
    template <class M>
    struct has_curvature<M, std::void_t<decltype(std::declval<M &>().curvature(
                                view<const double>(), view<const double>(), view<double>()))>>
        : std::true_type {
    };
    template <class T, class M> struct gauss_newton {
        M m;
        std::size_t n;
        std::int64_t rows, outputs;
        std::shared_ptr<detail::pending> waits;
        std::size_t length(std::int64_t count) const noexcept
        {
            return static_cast<std::size_t>(count * outputs);
        }
        view<const T> at(const void *theta) const noexcept
        {
            return {static_cast<const T *>(theta), n};
        }
        static int forward(void *user, const void *theta, double *z, std::int64_t *rows) noexcept
        {
            gauss_newton *g = static_cast<gauss_newton *>(user);
            return g->waits->guard([&] {
                const view<double> out(z, g->length(g->rows));
                if constexpr (std::is_void_v<decltype(g->m.forward(g->at(theta), out))>)
                    g->m.forward(g->at(theta), out);
                else
                    *rows = static_cast<std::int64_t>(g->m.forward(g->at(theta), out));
            });
        }
        static int backward(void *user, const void *theta, const double *u, std::int64_t count,
                            void *out) noexcept
        {
            gauss_newton *g = static_cast<gauss_newton *>(user);
            return g->waits->guard([&] {
                g->m.backward(g->at(theta), view<const double>(u, g->length(count)),
                              view<T>(static_cast<T *>(out), g->n));
            });
        }
        static int curvature(void *user, std::int64_t count, const double *z, const double *w,
                             double *u) noexcept
        {
            gauss_newton *g = static_cast<gauss_newton *>(user);
            const std::size_t n = g->length(count);
            return g->waits->guard([&] {
                g->m.curvature(view<const double>(z, n), view<const double>(w, n),
                               view<double>(u, n));
            });
        }
    };
    std::shared_ptr<body> body_;
};

/** What a verdict of linear_operator::check() says. */
inline const char *verdict_text(std::int32_t verdict) noexcept
{
    return absa_verdict_text(verdict);
}

} // namespace absa

#endif
