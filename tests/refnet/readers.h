/* What tests of the readers have in common: a context, a directory for files, and a look at what
 * was read. */
#ifndef ABSA_TEST_READERS_H
#define ABSA_TEST_READERS_H

#include "support/temp_files.h"

#include <absa/refdata.h>

#include <criterion/criterion.h>
#include <string.h>

static absa_context *ctx;

static inline void readers_begin(void)
{
    cr_assert_eq(absa_context_create(NULL, &ctx), ABSA_OK);
    temp_dir();
}

static inline void readers_end(void)
{
    absa_context_destroy(&ctx);
    temp_dir_remove();
}

/* The last failure's message says this. */
static inline void expect_message(const char *part)
{
    cr_assert_not_null(strstr(absa_context_message(ctx), part), "\"%s\" lacks \"%s\"",
                       absa_context_message(ctx), part);
}

static inline absa_dataset_view view_of(const absa_dataset *d)
{
    absa_dataset_view v;
    absa_dataset_view_init(&v, sizeof v);
    cr_assert_eq(absa_dataset_view_get(d, &v), ABSA_OK);
    return v;
}

#endif
