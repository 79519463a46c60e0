/* Little-endian bytes and CRC-32. */
#include "base/bytes.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

Test(bytes, crc_of_the_check_string_is_the_published_one)
{
    cr_assert_eq(absa__crc32(0, "123456789", 9), 0xCBF43926u);
    cr_assert_eq(absa__crc32(0, "", 0), 0u);
    cr_assert_eq(absa__crc32(absa__crc32(0, "1234", 4), "56789", 5), 0xCBF43926u);
}

Test(bytes, integers_are_little_endian)
{
    unsigned char buffer[12];
    absa__writer w = {buffer, sizeof buffer, 0};
    absa__put_u32(&w, 0x04030201u);
    absa__put_u64(&w, 0x0C0B0A0908070605u);
    for (unsigned char i = 0; i < 12; i++)
        cr_assert_eq(buffer[i], i + 1);
}

Test(bytes, what_was_written_is_read_back)
{
    unsigned char buffer[64];
    absa__writer w = {buffer, sizeof buffer, 0};
    absa__put_i64(&w, INT64_MIN);
    absa__put_f64(&w, -0.0);
    absa__put_f64(&w, (double)INFINITY);
    absa__put_bytes(&w, "abc", 3);
    absa__reader r = {buffer, w.used, 0, 0};
    cr_assert_eq(absa__get_i64(&r), INT64_MIN);
    const double zero = absa__get_f64(&r);
    cr_assert(zero == 0.0 && signbit(zero));
    cr_assert_eq(absa__get_f64(&r), (double)INFINITY);
    char text[3];
    absa__get_bytes(&r, text, 3);
    cr_assert_eq(memcmp(text, "abc", 3), 0);
    cr_assert_eq(r.used, r.size);
    cr_assert_not(r.failed);
}

Test(bytes, a_writer_without_a_buffer_counts)
{
    absa__writer w = {NULL, 0, 0};
    absa__put_u32(&w, 1);
    absa__put_f64(&w, 1.0);
    cr_assert_eq(w.used, 12u);
}

Test(bytes, a_writer_never_passes_its_capacity)
{
    unsigned char buffer[8] = {0};
    absa__writer w = {buffer, 6, 0};
    absa__put_u32(&w, 0xFFFFFFFFu);
    absa__put_u32(&w, 0xFFFFFFFFu);
    cr_assert_eq(w.used, 8u);
    cr_assert_eq(buffer[4], 0);
    cr_assert_eq(buffer[6], 0);
}

Test(bytes, a_reader_past_the_end_gives_zeros_and_says_so)
{
    const unsigned char buffer[6] = {1, 1, 1, 1, 1, 1};
    absa__reader r = {buffer, sizeof buffer, 0, 0};
    cr_assert_eq(absa__get_u32(&r), 0x01010101u);
    cr_assert_eq(absa__get_u32(&r), 0u);
    cr_assert(r.failed);
    cr_assert_eq(absa__get_u32(&r), 0u, "once failed, nothing more is read");
}
