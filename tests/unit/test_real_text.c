/* Real numbers as text: decimals, fractions, and what is neither. */
#include "base/real_text.h"

#include <criterion/criterion.h>
#include <math.h>

Test(real_text, decimals_and_fractions_are_numbers)
{
    static const struct {
        const char *text;
        double value;
    } good[] = {
        {"0", 0.0},           {"-1.5", -1.5},       {"1e-3", 1e-3}, {"8/255", 8.0 / 255.0},
        {"-1/3", -1.0 / 3.0}, {"1/-4", -0.25},      {"0/7", 0.0},   {"1e-3/0.5", 0.002},
        {".5/.25", 2.0},      {"1e308/1e308", 1.0},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        double x = (double)NAN;
        cr_assert(absa__parse_real(good[i].text, &x), "%s", good[i].text);
        cr_assert_eq(x, good[i].value, "%s is %.17g", good[i].text, x);
    }
}

Test(real_text, what_is_no_number_is_refused_and_writes_nothing)
{
    static const char *const wrong[] = {
        "",        "x",        "1/",           "/2",  "/",       "1/2/3", "1/2/",  "1//2",  "1/0",
        "1/-0",    "0/0",      "1/0.0",        " 1",  "1 ",      " 1/2",  "1/2 ",  "1 /2",  "1/ 2",
        "\t1",     "1/\n2",    "nan",          "inf", "nan/1",   "1/nan", "1/inf", "inf/2", "1e999",
        "1/1e999", "1e308/.1", "1e200/1e-200", "1/x", "8/255px", "1,2",   "0x",    "--1",   "1/2e",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        double x = 7.0;
        cr_assert_not(absa__parse_real(wrong[i], &x), "'%s' is %g", wrong[i], x);
        cr_assert_eq(x, 7.0);
    }
}

Test(real_text, reading_ends_where_the_number_does)
{
    static const char text[] = "1/4,0.5,x";
    double x;
    const char *at = absa__read_real(text, &x);
    cr_assert_eq(at, text + 3);
    cr_assert_eq(x, 0.25);
    at = absa__read_real(at + 1, &x);
    cr_assert_eq(at, text + 7);
    cr_assert_eq(x, 0.5);
    cr_assert_null(absa__read_real(at + 1, &x));
    cr_assert_eq(x, 0.5);
}
