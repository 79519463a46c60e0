/* Finds real data, or ends the running test: skipped without a data directory, failed without the
 * file. */
#include "support/test_data.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const char *test_data(const char *name)
{
    static char path[4096];
    const char *top = getenv("ABSA_TEST_DATA");
    if (!top || !*top)
        cr_skip_test("ABSA_TEST_DATA is not set");
    snprintf(path, sizeof path, "%s/%s", top, name);
    cr_assert_eq(access(path, R_OK), 0, "%s is missing, though ABSA_TEST_DATA is set", path);
    return path;
}
