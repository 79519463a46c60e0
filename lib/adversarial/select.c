/* Which rows of a batch are perturbed: how many, and, chosen by key, which. The key of a sample
 * does not depend on where the sample is, so neither does the choice. Finding the count-th smallest
 * key needs counts only, no list of keys: the interval that holds it is cut into parts, the keys in
 * each part are counted over all processes, and the right part is cut again. */
#include <absa/adversarial.h>
#include <absa/random.h>

#include "adversarial/perturb_rows.h"
#include "base/structs.h"

#include <math.h>

/* With the status, what one reduction may sum. */
enum { PARTS = 63, VALUES = PARTS + 1 };

static const int64_t LARGEST_BATCH = (int64_t)1 << 53;

static absa__key philox(uint64_t seed, uint64_t high, uint64_t low)
{
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    uint32_t w[4] = {(uint32_t)high, (uint32_t)(high >> 32), (uint32_t)low, (uint32_t)(low >> 32)};
    absa_random_philox(key, w, w);
    return (absa__key){(uint64_t)w[0] | (uint64_t)w[1] << 32,
                       (uint64_t)w[2] | (uint64_t)w[3] << 32};
}

uint64_t absa__purpose_seed(uint64_t seed, int purpose)
{
    return philox(seed, (uint64_t)purpose, 0).high;
}

absa__key absa__sample_key(uint64_t purpose_seed, int64_t update, int64_t id)
{
    return philox(purpose_seed, (uint64_t)update, (uint64_t)id);
}

absa_status absa_selection_count(int64_t batch, double share, int32_t rounding, uint64_t seed,
                                 int64_t update, int64_t *count)
{
    if (!count || batch < 0 || batch > LARGEST_BATCH || !(share >= 0.0 && share <= 1.0) ||
        (rounding != ABSA_ROUNDING_FLOOR && rounding != ABSA_ROUNDING_STOCHASTIC) || update < 0)
        return ABSA_E_INVALID;
    const double wish = (double)batch * share;
    double whole = floor(wish);
    if (rounding == ABSA_ROUNDING_STOCHASTIC) {
        const absa__key key =
            absa__sample_key(absa__purpose_seed(seed, ABSA__PURPOSE_COUNT), update, 0);
        const double u = (double)(key.high >> 11) * 0x1p-53; /* below 1 */
        whole += u < wish - whole;
    }
    *count = (int64_t)whole;
    return ABSA_OK;
}

int64_t absa_selection_prefix(int64_t count, int64_t first, int64_t rows)
{
    if (first < 0 || rows < 0 || count <= first)
        return 0;
    return count - first < rows ? count - first : rows;
}

void absa_selection_init(absa_selection *selection, size_t size)
{
    const absa_selection s = {0};
    absa__struct_init(selection, size, &s, sizeof s);
}

/* One search for the count-th smallest word. */
typedef struct search {
    uint64_t purpose_seed;
    int64_t update, rows;
    const int64_t *ids;
    int second;           /* look at second words, of keys whose first word is high */
    uint64_t high;        /* see second */
    uint64_t least, most; /* where the word is, both included */
    int64_t wanted;       /* which one, counted from least; 1 is the smallest */
    int64_t held;         /* keys between least and most, over all processes; -1: not known yet */
    absa_reduce_fn reduce;
    void *reduce_user;
} search;

/* Keys of this process in each part of [least, most]. */
static void count_parts(const search *s, uint64_t part, double *values)
{
    for (int64_t row = 0; row < s->rows; row++) {
        const absa__key key =
            absa__sample_key(s->purpose_seed, s->update, s->ids ? s->ids[row] : row);
        const uint64_t word = s->second ? key.low : key.high;
        if ((s->second && key.high != s->high) || word < s->least || word > s->most)
            continue;
        values[(word - s->least) / part]++;
    }
}

/* Goes on to the part that holds the wanted key. */
static absa_status narrow(search *s)
{
    double values[VALUES] = {0};
    const uint64_t part = (s->most - s->least) / PARTS + 1;
    double total = 0, before = 0;
    count_parts(s, part, values);
    if (s->reduce && s->reduce(s->reduce_user, values, VALUES))
        return ABSA_E_CALLBACK;
    if (values[PARTS] != 0.0)
        return ABSA_E_PEER;
    for (int k = 0; k < PARTS; k++) {
        /* A reduction that gives a NaN, say, must not become a count. */
        if (!(values[k] >= 0.0 && values[k] <= (double)LARGEST_BATCH))
            return ABSA_E_INVALID;
        total += values[k];
    }
    if (total < (double)s->wanted)
        return ABSA_E_INVALID;
    int k = 0;
    while (before + values[k] < (double)s->wanted)
        before += values[k++];
    const uint64_t first = s->least + part * (uint64_t)k;
    s->most = s->most - first < part ? s->most : first + part - 1;
    s->least = first;
    s->wanted -= (int64_t)before;
    s->held = (int64_t)values[k];
    return ABSA_OK;
}

/* Until the end of a part is a threshold, or one word is left. */
static absa_status find(search *s)
{
    absa_status status = ABSA_OK;
    while (!status && s->held != s->wanted && s->least != s->most)
        status = narrow(s);
    return status;
}

/* Lets the others know that this process cannot go on. */
static absa_status refuse(absa_status status, absa_reduce_fn reduce, void *reduce_user)
{
    double values[VALUES] = {0};
    values[PARTS] = 1.0;
    if (reduce)
        (void)reduce(reduce_user, values, VALUES);
    return status;
}

absa_status absa_selection_keyed(absa_selection *selection, int64_t rows, const int64_t *ids,
                                 absa_reduce_fn reduce, void *reduce_user)
{
    absa_selection s;
    absa_selection_init(&s, sizeof s);
    absa_status status = selection
                             ? absa__struct_read(NULL, "absa_selection", selection, &s, sizeof s)
                             : ABSA_E_INVALID;
    if (!status && (rows < 0 || s.count < 0 || s.count > LARGEST_BATCH || s.update < 0))
        status = ABSA_E_INVALID;
    if (status)
        return refuse(status, reduce, reduce_user);
    search words = {.purpose_seed = absa__purpose_seed(s.seed, ABSA__PURPOSE_SELECT),
                    .update = s.update,
                    .rows = rows,
                    .ids = ids,
                    .most = UINT64_MAX,
                    .wanted = s.count,
                    .held = -1,
                    .reduce = reduce,
                    .reduce_user = reduce_user};
    status = find(&words);
    if (status)
        return status;
    s.threshold_high = words.most;
    s.threshold_low = UINT64_MAX;
    if (s.count > 0 && words.held != words.wanted) {
        /* Several keys share their first word: some of them are wanted. */
        words.second = 1;
        words.high = words.least;
        words.least = 0;
        words.most = UINT64_MAX;
        status = find(&words);
        if (!status && words.held != words.wanted)
            status = ABSA_E_INVALID;
        if (status)
            return status;
        s.threshold_low = words.most;
    }
    return absa__struct_write(NULL, "absa_selection", &s, selection, sizeof s);
}

absa_status absa_selection_rows(const absa_selection *selection, int64_t rows, const int64_t *ids,
                                int64_t first_id, uint8_t *selected, int64_t *chosen)
{
    absa_selection s;
    absa_selection_init(&s, sizeof s);
    if (!selection || rows < 0 || (rows > 0 && !selected))
        return ABSA_E_INVALID;
    const absa_status status = absa__struct_read(NULL, "absa_selection", selection, &s, sizeof s);
    if (status)
        return status;
    if (s.count < 0 || s.update < 0)
        return ABSA_E_INVALID;
    const uint64_t seed = absa__purpose_seed(s.seed, ABSA__PURPOSE_SELECT);
    int64_t total = 0;
    for (int64_t row = 0; row < rows; row++) {
        const int64_t id = ids ? ids[row] : (int64_t)((uint64_t)first_id + (uint64_t)row);
        const absa__key key = absa__sample_key(seed, s.update, id);
        selected[row] =
            s.count > 0 && (key.high < s.threshold_high ||
                            (key.high == s.threshold_high && key.low <= s.threshold_low));
        total += selected[row];
    }
    if (chosen)
        *chosen = total;
    return ABSA_OK;
}
