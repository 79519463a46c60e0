/* Tests of the C++ header: a program of them prints TAP. */
#ifndef CPP_TAP_HPP
#define CPP_TAP_HPP

#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

namespace tap
{

struct test {
    const char *name;
    void (*body)();
};

inline std::vector<test> &all()
{
    static std::vector<test> tests;
    return tests;
}

struct add {
    add(const char *name, void (*body)())
    {
        all().push_back({name, body});
    }
};

/* What callbacks under test throw: no kind of std::exception, so that nothing else passes for it.
 */
struct thrown {
    int number;
};

inline void check(bool good, const char *what, const char *file, int line)
{
    if (!good)
        throw std::runtime_error(std::string(file) + ":" + std::to_string(line) + ": " + what);
}

/* Does f() throw an E that passes good? */
template <class E, class F, class G> bool throws(F &&f, G &&good)
{
    try {
        f();
    } catch (const E &e) {
        return good(e);
    }
    return false;
}
template <class F> bool throws(F &&f, int number)
{
    return throws<thrown>(f, [&](const thrown &t) { return t.number == number; });
}

inline int run()
{
    int number = 0, failed = 0;
    std::printf("1..%d\n", static_cast<int>(all().size()));
    for (const test &t : all()) {
        std::string why;
        try {
            t.body();
        } catch (const std::exception &e) {
            why = e.what();
        } catch (...) {
            why = "an exception of another kind";
        }
        failed += !why.empty();
        std::printf("%sok %d - %s\n", why.empty() ? "" : "not ", ++number, t.name);
        if (!why.empty())
            std::printf("# %s\n", why.c_str());
    }
    return failed != 0;
}

} // namespace tap

#define CHECK(condition) tap::check(condition, #condition, __FILE__, __LINE__)
#define TEST(name)                                                                                 \
    static void name();                                                                            \
    static const tap::add add_##name(#name, name);                                                 \
    static void name()

#endif
