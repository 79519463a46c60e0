/* Status codes: names, texts, and numbers that never change. */
#include <absa/status.h>

#include <criterion/criterion.h>

Test(status, numbers_are_frozen)
{
    cr_assert_eq(ABSA_OK, 0);
    cr_assert_eq(ABSA_E_INVALID, -1);
    cr_assert_eq(ABSA_E_ABI, -2);
    cr_assert_eq(ABSA_E_MEMORY, -3);
    cr_assert_eq(ABSA_E_CALLBACK, -4);
    cr_assert_eq(ABSA_E_NONFINITE, -5);
    cr_assert_eq(ABSA_E_BUSY, -6);
    cr_assert_eq(ABSA_E_STATE, -7);
    cr_assert_eq(ABSA_E_UNSUPPORTED, -8);
    cr_assert_eq(ABSA_E_PEER, -9);
    cr_assert_eq(ABSA_E_FORMAT, -10);
    cr_assert_eq(ABSA_E_VERSION, -11);
    cr_assert_eq(ABSA_E_MISMATCH, -12);
    cr_assert_eq(ABSA_E_SPACE, -13);
    cr_assert_eq(ABSA_E_IO, -14);
}

Test(status, every_code_has_the_name_of_its_constant)
{
#define SAME(code) cr_assert_str_eq(absa_status_name(code), #code)
    SAME(ABSA_OK);
    SAME(ABSA_E_INVALID);
    SAME(ABSA_E_ABI);
    SAME(ABSA_E_MEMORY);
    SAME(ABSA_E_CALLBACK);
    SAME(ABSA_E_NONFINITE);
    SAME(ABSA_E_BUSY);
    SAME(ABSA_E_STATE);
    SAME(ABSA_E_UNSUPPORTED);
    SAME(ABSA_E_PEER);
    SAME(ABSA_E_FORMAT);
    SAME(ABSA_E_VERSION);
    SAME(ABSA_E_MISMATCH);
    SAME(ABSA_E_SPACE);
    SAME(ABSA_E_IO);
}

Test(status, unknown_numbers_have_a_name_and_a_text_too)
{
    const absa_status unknown[] = {1, -15, -1000, 2147483647, -2147483647 - 1};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        cr_assert_str_eq(absa_status_name(unknown[i]), "ABSA_E_?");
        cr_assert_str_not_empty(absa_status_text(unknown[i]));
    }
}
