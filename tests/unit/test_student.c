/* Student's quantiles against closed forms and against an integral of the density. */
#include "base/student.h"

#include <criterion/criterion.h>
#include <math.h>

static const double PI = 3.14159265358979323846;

/* The integral of cos(a)^(f - 1) from 0 to end, which the density is by t = sqrt(f) tan(a). Simpson
 * over so many panels errs by end^5 / (180 PANELS^4) of the fourth derivative, about 3 f^2. */
static double integral(int64_t f, double end)
{
    enum { PANELS = 20000 };
    const double h = end / PANELS;
    double sum = 0.0;
    for (int i = 0; i <= PANELS; i++) {
        const double weight = i == 0 || i == PANELS ? 1.0 : i % 2 ? 4.0 : 2.0;
        sum += weight * pow(cos(i * h), (double)(f - 1));
    }
    return sum * h / 3.0;
}

Test(student, one_two_and_four_degrees_of_freedom_are_elementary)
{
    const double levels[] = {0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 0.999999};
    for (int i = 0; i < 7; i++) {
        const double c = levels[i];
        /* The sums err by a few units of the last place of 1, which 1 - c magnifies. */
        const double relative = 1e-14 / (1.0 - c) + 1e-13;
        const double one = tan(PI * c / 2.0), two = c * sqrt(2.0 / (1.0 - c * c));
        cr_assert_float_eq(absa__student_quantile(1, c), one, relative * one);
        cr_assert_float_eq(absa__student_quantile(2, c), two, relative * two);
        const double alpha = 1.0 - c * c, four = cos(acos(sqrt(alpha)) / 3.0) / sqrt(alpha);
        const double t4 = 2.0 * sqrt(four - 1.0);
        /* At c = 0.01 four - 1 is about 1e-5, and loses as many digits. */
        cr_assert_float_eq(absa__student_quantile(4, c), t4, relative * t4 + 1e-11);
    }
}

Test(student, the_density_integrates_to_the_confidence)
{
    const int64_t freedoms[] = {3, 5, 6, 9, 10, 29, 100, 999, 1000, 1001, 1500};
    const double levels[] = {0.5, 0.9, 0.95, 0.99};
    for (int k = 0; k < 11; k++) {
        const int64_t f = freedoms[k];
        const double whole = integral(f, PI / 2.0);
        for (int i = 0; i < 4; i++) {
            const double t = absa__student_quantile(f, levels[i]);
            const double part = integral(f, atan(t / sqrt((double)f)));
            cr_assert_float_eq(part / whole, levels[i], 1e-10, "f = %lld, %g in place of %g",
                               (long long)f, part / whole, levels[i]);
        }
    }
}

Test(student, many_degrees_of_freedom_come_near_the_normal_distribution)
{
    double before = absa__student_quantile(1, 0.95);
    for (int64_t f = 2; f < 3000; f++) {
        const double t = absa__student_quantile(f, 0.95);
        cr_assert_lt(t, before, "falls at f = %lld", (long long)f);
        before = t;
    }
    /* erf(x / sqrt(2)) = 0.95; the first term beside it is (x^3 + x) / 4f. */
    const double far = absa__student_quantile(INT64_C(1) << 40, 0.95);
    cr_assert_float_eq(erf(far * sqrt(0.5)), 0.95, 1e-11);
}
