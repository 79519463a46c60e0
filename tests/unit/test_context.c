/* The context: references, allocator, messages, log levels. */
#include "base/fail.h"
#include "support/faulty_alloc.h"

#include <criterion/criterion.h>
#include <string.h>

Test(context, the_default_one_works_and_starts_without_a_message)
{
    absa_context *ctx = NULL;
    cr_assert_eq(absa_context_create(NULL, &ctx), ABSA_OK);
    cr_assert_str_eq(absa_context_message(ctx), "");
    cr_assert_eq(absa_context_callback_code(ctx), 0);
    absa_context_destroy(&ctx);
    cr_assert_null(ctx);
    absa_context_destroy(&ctx);
    absa_context_destroy(NULL);
    cr_assert_str_eq(absa_context_message(NULL), "");
}

Test(context, half_an_allocator_is_refused)
{
    absa_context_options o;
    faulty_alloc f = {0};
    absa_context *ctx = (absa_context *)&f;
    absa_context_options_init(&o, sizeof o);
    o.release = (absa_release_fn)(uintptr_t)&f;
    cr_assert_eq(absa_context_create(&o, &ctx), ABSA_E_INVALID);
    cr_assert_null(ctx);
    memset(&o, 0, sizeof o);
    cr_assert_eq(absa_context_create(&o, &ctx), ABSA_E_ABI);
    cr_assert_eq(absa_context_create(NULL, NULL), ABSA_E_INVALID);
}

Test(context, lives_until_the_last_reference_goes)
{
    faulty_alloc f = {0};
    absa_context *ctx = faulty_context(&f), *other = absa_context_retain(ctx);
    absa_context_destroy(&ctx);
    cr_assert_eq(f.live_blocks, 1);
    absa_context_destroy(&other);
    cr_assert_eq(f.live_blocks, 0);
    cr_assert_eq(f.errors, 0);
}

Test(context, memory_is_zeroed_aligned_and_checked_for_overflow)
{
    faulty_alloc f = {0};
    absa_context *ctx = faulty_context(&f);
    void *p;
    cr_assert_eq(absa_context_alloc(ctx, 1000, 8, &p), ABSA_OK);
    cr_assert_eq((uintptr_t)p % 64, 0u);
    for (int i = 0; i < 8000; i++)
        cr_assert_eq(((char *)p)[i], 0);
    absa_context_release(ctx, p, 1000, 8);
    cr_assert_eq(absa_context_alloc(ctx, 0, 8, &p), ABSA_OK);
    cr_assert_null(p);
    cr_assert_eq(absa_context_alloc(ctx, -1, 8, &p), ABSA_E_INVALID);
    cr_assert_eq(absa_context_alloc(ctx, INT64_MAX, 8, &p), ABSA_E_MEMORY);
    cr_assert_eq(absa_context_alloc(ctx, INT64_MAX / 4, 4, &p), ABSA_E_MEMORY);
    f.fail_at = f.calls + 1;
    cr_assert_eq(absa_context_alloc(ctx, 5, 8, &p), ABSA_E_MEMORY);
    cr_assert_null(p);
    cr_assert_not_null(strstr(absa_context_message(ctx), "5 elements of 8 bytes"));
    absa_context_destroy(&ctx);
    cr_assert_eq(f.live_blocks, 0);
    cr_assert_eq(f.errors, 0);
}

Test(context, creation_without_memory_fails_cleanly)
{
    faulty_alloc f = {.fail_at = 1};
    cr_assert_null(faulty_context(&f));
    cr_assert_eq(f.live_blocks, 0);
}

Test(context, a_message_stays_until_the_next_failure)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    cr_assert_eq(absa_context_fail(ctx, ABSA_E_IO, "first"), ABSA_E_IO);
    cr_assert_str_eq(absa_context_message(ctx), "first");
    char text[1000];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = 0;
    absa_context_fail(ctx, ABSA_E_IO, text);
    cr_assert_eq(strlen(absa_context_message(ctx)), 511u);
    cr_assert_eq(absa_context_fail(NULL, ABSA_E_IO, "nowhere"), ABSA_E_IO);
    absa_context_destroy(&ctx);
}

Test(context, a_hosts_own_words_stand_behind_the_callback_code)
{
    absa_context *ctx;
    absa_context_create(NULL, &ctx);
    absa_context_fail(ctx, ABSA_E_IO, "old news");
    absa__callback_begin(ctx);
    cr_assert_eq(absa__callback_failed(ctx, "hvp", 7), ABSA_E_CALLBACK);
    cr_assert_str_eq(absa_context_message(ctx), "the hvp callback returned 7");
    cr_assert_eq(absa_context_callback_code(ctx), 7);
    absa__callback_begin(ctx);
    absa_context_fail(ctx, ABSA_E_CALLBACK, "device lost");
    absa__callback_failed(ctx, "hvp", -3);
    cr_assert_str_eq(absa_context_message(ctx), "the hvp callback returned -3: device lost");
    cr_assert_eq(absa_context_callback_code(ctx), -3);
    absa_context_destroy(&ctx);
}

static void keep_line(void *user, int32_t level, const char *text)
{
    char *last = user;
    last[0] = (char)('0' + level);
    strcpy(last + 1, text);
}

Test(context, the_logger_gets_the_levels_it_asked_for)
{
    char last[600] = "";
    absa_context_options o;
    absa_context *ctx;
    absa_context_options_init(&o, sizeof o);
    o.log = keep_line;
    o.log_user = last;
    cr_assert_eq(absa_context_create(&o, &ctx), ABSA_OK);
    absa_context_log(ctx, ABSA_LOG_INFO, "too chatty");
    cr_assert_str_eq(last, "");
    absa__log(ctx, ABSA_LOG_WARNING, "%d left", 3);
    cr_assert_str_eq(last, "13 left");
    absa_context_log(ctx, ABSA_LOG_NONE, "no level");
    cr_assert_str_eq(last, "13 left");
    absa_context_destroy(&ctx);
    absa_context_log(NULL, ABSA_LOG_WARNING, "nowhere");
}
