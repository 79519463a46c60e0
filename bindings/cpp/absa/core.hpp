/** @file
 * libabsa from C++17: errors, views, prepared structs, and the context that callbacks' exceptions
 * travel through. Header only; everything a C function can do is here under its C meaning, and the
 * C headers document shapes, units and ranges.
 *
 * Handles are move-only, destroy themselves, and give the C handle by get(). Callables of any type
 * serve as callbacks; what they throw stops the C call, comes out of the C++ call as itself, and
 * leaves the handle as usable as any other failure does. Nothing here copies a vector.
 */
#ifndef ABSA_CORE_HPP
#define ABSA_CORE_HPP

#include <absa/absa.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>
#if __cplusplus >= 202002L
#include <span>
#endif

namespace absa
{

/** A status other than ABSA_OK, with the library's message. */
class error : public std::runtime_error
{
  public:
    error(absa_status status, const std::string &message, int callback_code = 0)
        : std::runtime_error(message), status_(status), callback_code_(callback_code)
    {
    }
    /** One of enum absa_status_code. */
    absa_status status() const noexcept
    {
        return status_;
    }
    /** The status by name, "ABSA_E_INVALID". */
    const char *name() const noexcept
    {
        return absa_status_name(status_);
    }
    /** What a C callback returned; 0 for anything but ABSA_E_CALLBACK. */
    int callback_code() const noexcept
    {
        return callback_code_;
    }

  private:
    absa_status status_;
    int callback_code_;
};

/** Pointer and length of memory that somebody else owns: what vectors are handed over as. Made from
 * anything that has data() and size(). */
template <class T> class view
{
  public:
    using element_type = T;
    using value_type = std::remove_cv_t<T>;
    using iterator = T *;
    constexpr view() noexcept = default;
    constexpr view(T *data, std::size_t size) noexcept : data_(data), size_(size)
    {
    }
    template <std::size_t N> constexpr view(T (&array)[N]) noexcept : data_(array), size_(N)
    {
    }
    template <
        class C, class P = decltype(std::declval<C &>().data()),
        class = decltype(std::declval<C &>().size()),
        class = std::enable_if_t<std::is_convertible_v<std::remove_pointer_t<P> (*)[], T (*)[]>>>
    constexpr view(C &&container) noexcept : data_(container.data()), size_(container.size())
    {
    }
    constexpr T *data() const noexcept
    {
        return data_;
    }
    constexpr std::size_t size() const noexcept
    {
        return size_;
    }
    constexpr bool empty() const noexcept
    {
        return size_ == 0;
    }
    constexpr T *begin() const noexcept
    {
        return data_;
    }
    constexpr T *end() const noexcept
    {
        return data_ + size_;
    }
    constexpr T &operator[](std::size_t i) const noexcept
    {
        return data_[i];
    }
#if __cplusplus >= 202002L
    constexpr operator std::span<T>() const noexcept
    {
        return {data_, size_};
    }
#endif

  private:
    T *data_ = nullptr;
    std::size_t size_ = 0;
};

/** Saved state. */
using bytes = std::vector<unsigned char>;

namespace detail
{

/** The element type of vectors as the C headers number it. */
template <class T> struct element;
template <> struct element<float> {
    static constexpr std::int32_t value = ABSA_ELEMENT_F32;
};
template <> struct element<double> {
    static constexpr std::int32_t value = ABSA_ELEMENT_F64;
};

/** Where an exception waits while C returns. */
struct pending {
    std::exception_ptr thrown;
    /** Calls f; an exception is kept, the first one of a call, and C told to stop. */
    template <class F> int guard(F &&f) noexcept
    {
        try {
            f();
            return 0;
        } catch (...) {
            if (!thrown)
                thrown = std::current_exception();
            return 1;
        }
    }
    void release()
    {
        if (thrown)
            std::rethrow_exception(std::exchange(thrown, nullptr));
    }
};

/** A callable, and where its exceptions go: what C's user pointers point to. */
template <class F> struct held {
    F f;
    std::shared_ptr<pending> waits;
    static held *of(void *user) noexcept
    {
        return static_cast<held *>(user);
    }
};

template <class F>
std::shared_ptr<held<std::decay_t<F>>> hold(std::shared_ptr<pending> waits, F &&f)
{
    return std::shared_ptr<held<std::decay_t<F>>>(
        new held<std::decay_t<F>>{std::forward<F>(f), std::move(waits)});
}

/** What callables and parents a handle keeps alive. */
using keeps = std::vector<std::shared_ptr<const void>>;

/** A context, shared by what is made from it. */
struct state {
    absa_context *context = nullptr;
    std::shared_ptr<pending> waits = std::make_shared<pending>();
    keeps keep;
    state() = default;
    state(const state &) = delete;
    state &operator=(const state &) = delete;
    ~state()
    {
        absa_context_destroy(&context);
    }
    /** Throws what a callback threw, or the failure; to be called after every C call. */
    void check(absa_status status) const
    {
        waits->release();
        if (status != ABSA_OK)
            throw error(status, absa_context_message(context),
                        status == ABSA_E_CALLBACK ? absa_context_callback_code(context) : 0);
    }
};

/** The same for functions that know no context. */
inline void check(absa_status status, const char *what)
{
    if (status != ABSA_OK)
        throw error(status, std::string(what) + ": " + absa_status_text(status));
}

inline std::int64_t count_of(std::size_t size) noexcept
{
    return static_cast<std::int64_t>(size);
}

inline void same_size(std::size_t a, std::size_t b, const char *what)
{
    if (a != b)
        throw error(ABSA_E_INVALID, std::string(what) + ": the lengths are " + std::to_string(a) +
                                        " and " + std::to_string(b));
}

/** A destroyed or moved-from handle is nullptr. */
template <class H, void (*Destroy)(H **)> struct destroy {
    void operator()(H *handle) const noexcept
    {
        Destroy(&handle);
    }
};

template <class F> bytes saved(const state &s, F &&save)
{
    std::size_t size = 0;
    const absa_status status = save(nullptr, 0, &size);
    if (status != ABSA_E_SPACE)
        s.check(status);
    bytes out(size);
    s.check(save(out.data(), out.size(), &size));
    out.resize(size);
    return out;
}

template <class F> std::string text(const state *s, const char *what, F &&write)
{
    std::size_t size = 0;
    absa_status status = write(nullptr, std::size_t{0}, &size);
    std::string out(size + 1, '\0');
    if (status == ABSA_OK || status == ABSA_E_SPACE)
        status = write(out.data(), out.size(), &size);
    if (s)
        s->check(status);
    else
        check(status, what);
    out.resize(out.find('\0'));
    return out;
}

} // namespace detail

/** A struct of the C API as its _init function leaves it: defaults<absa_eigen_options>(). */
template <class T> T defaults();

/** @cond */
#define ABSA_CPP_DEFAULTS(type)                                                                    \
    template <> inline type defaults<type>()                                                       \
    {                                                                                              \
        type made;                                                                                 \
        type##_init(&made, sizeof made);                                                           \
        return made;                                                                               \
    }
ABSA_CPP_DEFAULTS(absa_context_options)
/** @endcond */

/** The release of the library that is loaded. */
inline std::int32_t version() noexcept
{
    return absa_version();
}
inline const char *version_string() noexcept
{
    return absa_version_string();
}

/** Throws ABSA_E_ABI where the library that is loaded is not the one that the headers are of. */
inline void check_abi()
{
    if (absa_abi_version() != ABSA_ABI_VERSION)
        throw error(ABSA_E_ABI, "the loaded libabsa has ABI " + std::to_string(absa_abi_version()) +
                                    ", the headers have " + std::to_string(ABSA_ABI_VERSION));
}

/** What a context calls: a log, an allocator. */
class context_hooks
{
  public:
    context_hooks() : options_(defaults<absa_context_options>())
    {
    }
    /** f(std::int32_t level, const char *text) for what is at least as grave as level. */
    template <class F> context_hooks &log(F &&f, std::int32_t level = ABSA_LOG_WARNING)
    {
        auto user = detail::hold(waits_, std::forward<F>(f));
        using H = typename decltype(user)::element_type;
        options_.log_level = level;
        options_.log_user = user.get();
        options_.log = [](void *u, std::int32_t at, const char *text) {
            H *h = H::of(u);
            h->waits->guard([&] { h->f(at, text); });
        };
        keep_.push_back(std::move(user));
        return *this;
    }
    /** a.allocate(size, alignment) gives void *, nullptr or an exception where there is none;
     * a.release(pointer, size). It lives as long as the last handle. */
    template <class A> context_hooks &allocator(A &&a)
    {
        auto user = detail::hold(waits_, std::forward<A>(a));
        using H = typename decltype(user)::element_type;
        options_.alloc_user = user.get();
        options_.alloc = [](void *u, std::size_t size, std::size_t align) -> void * {
            H *h = H::of(u);
            void *out = nullptr;
            h->waits->guard([&] { out = h->f.allocate(size, align); });
            return out;
        };
        options_.release = [](void *u, void *pointer, std::size_t size) {
            H *h = H::of(u);
            h->waits->guard([&] { h->f.release(pointer, size); });
        };
        keep_.push_back(std::move(user));
        return *this;
    }

  private:
    friend class context;
    absa_context_options options_;
    std::shared_ptr<detail::pending> waits_ = std::make_shared<detail::pending>();
    detail::keeps keep_;
};

/** Messages, log and allocator; see absa/context.h. What is made from it keeps it alive. One thread
 * at a time, as in C. */
class context
{
  public:
    explicit context(context_hooks hooks = {}) : state_(std::make_shared<detail::state>())
    {
        state_->waits = hooks.waits_;
        state_->keep = std::move(hooks.keep_);
        const absa_status status = absa_context_create(&hooks.options_, &state_->context);
        state_->waits->release();
        detail::check(status, "absa_context_create");
    }
    context(context &&) noexcept = default;
    context &operator=(context &&) noexcept = default;
    absa_context *get() const noexcept
    {
        return state_ ? state_->context : nullptr;
    }
    const char *message() const noexcept
    {
        return absa_context_message(get());
    }
    int callback_code() const noexcept
    {
        return absa_context_callback_code(get());
    }
    /** One more owner for C code; give it back by absa_context_destroy(). */
    absa_context *retain() const
    {
        return absa_context_retain(get());
    }
    void log(std::int32_t level, const char *text) const
    {
        absa_context_log(get(), level, text);
        state_->waits->release();
    }
    /** Leaves a message and throws it: for code that reports failures as the library does. */
    [[noreturn]] void fail(absa_status status, const char *text) const
    {
        absa_context_fail(get(), status, text);
        throw error(status, message());
    }
    /** count zeroed elements from the context's allocator. */
    template <class T> auto allocate(std::int64_t count) const
    {
        static_assert(std::is_trivial_v<T>, "raw memory");
        void *out = nullptr;
        state_->check(absa_context_alloc(get(), count, sizeof(T), &out));
        auto owner = state_;
        const auto drop = [owner, count](T *pointer) {
            absa_context_release(owner->context, pointer, count, sizeof(T));
        };
        return std::unique_ptr<T[], decltype(drop)>(static_cast<T *>(out), drop);
    }
    /** @cond */
    const std::shared_ptr<detail::state> &shared() const noexcept
    {
        return state_;
    }
    /** @endcond */

  private:
    std::shared_ptr<detail::state> state_;
};

} // namespace absa

#endif
