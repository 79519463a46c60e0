/* The struct_size protocol between callers and libraries of different ages. */
#include "base/structs.h"

#include <criterion/criterion.h>
#include <string.h>

typedef struct small {
    size_t struct_size;
    int32_t a, b;
} small;

typedef struct large {
    size_t struct_size;
    int32_t a, b;
    double c;
} large;

Test(structs, init_fills_what_both_know_and_zeroes_the_rest)
{
    const small known = {sizeof known, 1, 2};
    large caller;
    memset(&caller, 0xFF, sizeof caller);
    absa__struct_init(&caller, sizeof caller, &known, sizeof known);
    cr_assert_eq(caller.struct_size, sizeof caller);
    cr_assert_eq(caller.a, 1);
    cr_assert_eq(caller.b, 2);
    cr_assert_eq(caller.c, 0.0);
}

Test(structs, init_writes_no_further_than_the_caller_has)
{
    const large known = {sizeof known, 1, 2, 3.0};
    struct {
        small s;
        char guard[8];
    } caller;
    memset(&caller, 0x5A, sizeof caller);
    absa__struct_init(&caller.s, sizeof caller.s, &known, sizeof known);
    cr_assert_eq(caller.s.b, 2);
    for (size_t i = 0; i < sizeof caller.guard; i++)
        cr_assert_eq(caller.guard[i], 0x5A);
}

Test(structs, an_older_caller_leaves_new_fields_at_their_defaults)
{
    const small in = {sizeof in, 7, 8};
    large out = {sizeof out, 0, 0, 2.5};
    cr_assert_eq(absa__struct_read(NULL, "s", &in, &out, sizeof out), ABSA_OK);
    cr_assert_eq(out.a, 7);
    cr_assert_eq(out.b, 8);
    cr_assert_eq(out.c, 2.5);
    cr_assert_eq(out.struct_size, sizeof out);
}

Test(structs, a_newer_caller_is_accepted_while_its_new_fields_are_zero)
{
    large in = {sizeof in, 7, 8, 0.0};
    small out = {sizeof out, 0, 0};
    cr_assert_eq(absa__struct_read(NULL, "s", &in, &out, sizeof out), ABSA_OK);
    cr_assert_eq(out.b, 8);
    in.c = 1.0;
    out.a = 99;
    cr_assert_eq(absa__struct_read(NULL, "s", &in, &out, sizeof out), ABSA_E_ABI);
    cr_assert_eq(out.a, 99, "a refused struct must not be half read");
}

Test(structs, impossible_sizes_are_refused)
{
    small in = {0, 1, 2}, out = {sizeof out, 5, 6};
    const size_t sizes[] = {0, 1, sizeof(size_t), 65537, (size_t)-1};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        in.struct_size = sizes[i];
        cr_assert_eq(absa__struct_read(NULL, "s", &in, &out, sizeof out), ABSA_E_ABI);
        cr_assert_eq(absa__struct_write(NULL, "s", &out, &in, sizeof in), ABSA_E_ABI);
    }
    cr_assert_eq(out.a, 5);
    cr_assert_eq(in.a, 1);
}

Test(structs, results_are_written_up_to_the_smaller_size)
{
    const large result = {sizeof result, 1, 2, 3.0};
    struct {
        small s;
        double guard;
    } caller = {{sizeof caller.s, 0, 0}, 9.0};
    cr_assert_eq(absa__struct_write(NULL, "s", &result, &caller.s, sizeof result), ABSA_OK);
    cr_assert_eq(caller.s.b, 2);
    cr_assert_eq(caller.s.struct_size, sizeof caller.s);
    cr_assert_eq(caller.guard, 9.0);
}
