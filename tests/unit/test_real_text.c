/* Real numbers as text: decimals, fractions, and what is neither. */
#include "base/real_text.h"
#include "support/controllers.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

Test(real_text, what_is_written_is_read_back_to_the_same_bits)
{
    static const double numbers[] = {0.0,     -0.0,      0.1,      -1.0 / 3.0, 1e-320,
                                     1.7e308, 8.0 / 255, 1234567., 0x1p-1074};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char text[ABSA__REAL_TEXT];
        double x;
        cr_assert_eq(absa__write_real(numbers[i], text), strlen(text));
        cr_assert(absa__parse_real(text, &x), "%s", text);
        cr_assert_eq(memcmp(&x, &numbers[i], sizeof x), 0, "%s", text);
    }
}

Test(real_text, longer_numbers_than_anybody_writes_are_refused)
{
    char text[256];
    double x;
    memset(text, '1', sizeof text);
    text[128] = '\0';
    cr_assert(absa__parse_real(text, &x));
    text[128] = '1';
    text[129] = '\0';
    cr_assert_not(absa__parse_real(text, &x));
}

/* A locale of the test's own, in a directory that is removed again. */
static void use_german_numbers(void)
{
    char directory[] = "/tmp/absa-locale-XXXXXX", command[256];
    cr_assert_not_null(mkdtemp(directory));
    snprintf(command, sizeof command, "localedef -c -i de_DE -f UTF-8 %s/de_DE.UTF-8 2>/dev/null",
             directory);
    cr_assert_eq(system(command), 0, "localedef is in Debian's libc-bin, de_DE in locales");
    cr_assert_eq(setenv("LOCPATH", directory, 1), 0);
    const char *set = setlocale(LC_NUMERIC, "de_DE.UTF-8");
    snprintf(command, sizeof command, "rm -r %s", directory);
    cr_assert_eq(system(command), 0);
    cr_assert_not_null(set);
    snprintf(command, sizeof command, "%g", 0.5);
    cr_assert_str_eq(command, "0,5", "the locale has no comma");
}

Test(real_text, is_the_same_where_numbers_have_a_comma)
{
    char text[1024];
    size_t size;
    double x;
    absa_context *ctx;
    absa_decision d;
    absa_context_create(NULL, &ctx);
    absa_controller_options o = small_training(ABSA_STRATEGY_ABS);
    use_german_numbers();
    cr_assert(absa__parse_real("-1.25e1", &x));
    cr_assert_eq(x, -12.5);
    cr_assert(absa__parse_real(".5/2.5", &x));
    cr_assert_eq(x, 0.2);
    cr_assert_not(absa__parse_real("0,5", &x));
    cr_assert_not(absa__parse_real("1.2.3", &x));
    cr_assert_eq(absa_controller_options_set(ctx, &o, "decay", "60,120.5"), ABSA_OK);
    cr_assert_eq(o.decay_count, 2);
    cr_assert_eq(o.decay[0], 60.0);
    cr_assert_eq(o.decay[1], 120.5);
    cr_assert_eq(absa_controller_options_get(ctx, &o, "decay", text, sizeof text, &size), ABSA_OK);
    cr_assert_str_eq(text, "60,120.5");
    o.lr = 0.1;
    cr_assert_eq(absa_controller_options_get(ctx, &o, "lr", text, sizeof text, &size), ABSA_OK);
    cr_assert_str_eq(text, "0.10000000000000001");
    absa_decision_init(&d, sizeof d);
    d.lr = 1.5;
    cr_assert_eq(absa_decision_format(&d, text, sizeof text, &size), ABSA_OK);
    cr_assert_not_null(strstr(text, "\"lr\":1.5,"), "%s", text);
    absa_context_destroy(&ctx);
}
