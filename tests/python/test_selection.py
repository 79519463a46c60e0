"""Which rows are perturbed, by their keys in NumPy, and the check for collapse by its formula."""

import concurrent.futures
import math
import threading

import numpy
import philox_reference
import pytest

import absa


def keys(seed, update, ids):
    k = philox_reference.words(seed, 1, 0)[0]
    return [philox_reference.words(k, update, one) for one in ids]


@pytest.mark.parametrize("seed, update, count", [(0, 0, 7), (5, 9, 1), (1 << 60, 3, 39),
                                                 (2, 2, 0), (2, 2, 40)])
def test_the_chosen_ones_have_the_smallest_keys(seed, update, count):
    ids = numpy.arange(100, 180, 2)
    chosen = absa.Selection(count, ids, seed=seed, update=update).mask(ids)
    order = sorted(range(40), key=lambda at: keys(seed, update, ids.tolist())[at]) if count else []
    assert sorted(order[:count]) == numpy.flatnonzero(chosen).tolist()
    assert chosen.dtype == bool and chosen.sum() == count


def test_any_split_chooses_the_same_rows():
    selection = absa.Selection(30, 100, seed=4, update=7)
    whole = selection.mask(100)
    assert whole.sum() == 30
    parts = [selection.mask(25, first_id=first) for first in range(0, 100, 25)]
    assert numpy.array_equal(numpy.concatenate(parts), whole)
    shuffled = numpy.random.default_rng(0).permutation(100)
    assert numpy.array_equal(selection.mask(shuffled), whole[shuffled])
    assert not numpy.array_equal(absa.Selection(30, 100, seed=4, update=8).mask(100), whole)
    assert repr(selection) == "Selection(count=30, seed=4, update=7)"


def test_processes_that_know_a_part_each_agree():
    alone = absa.Selection(30, 100, seed=4, update=7).mask(100)
    ids, sums, meeting = numpy.arange(100), {}, threading.Barrier(3, timeout=60)

    def process(rank):
        def reduce(values):
            sums[rank] = values.copy()
            meeting.wait()
            values[:] = sum(sums[other] for other in range(3))
            meeting.wait()
        mine = ids[rank::3].copy()
        return absa.Selection(30, mine, seed=4, update=7, reduce=reduce).mask(mine)
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        for rank, mine in enumerate(pool.map(process, range(3))):
            assert numpy.array_equal(mine, alone[rank::3])

    def broken(values):
        raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        absa.Selection(30, ids, reduce=broken)
    assert absa.Selection(30, ids).mask(ids).sum() == 30


def test_counts_are_floors_or_right_on_average():
    assert absa.selection_count(128, 0.2) == math.floor(128 * 0.2) == 25
    assert absa.selection_count(128, 1.0) == 128 and absa.selection_count(0, 0.5) == 0
    drawn = [absa.selection_count(128, 0.2, "stochastic", 1, update) for update in range(4000)]
    assert set(drawn) == {25, 26}
    # 0.6 of the updates take one more: five standard deviations of the mean over 4000.
    assert numpy.mean(drawn) == pytest.approx(25.6, abs=5 * math.sqrt(0.6 * 0.4 / 4000))
    assert [absa.selection_prefix(25, first, 10) for first in (0, 20, 30)] == [10, 5, 0]


def test_a_collapse_is_found_by_its_formula():
    rng = numpy.random.default_rng(3)
    clean = rng.uniform(0.1, 0.5, 64)
    one, many = clean + rng.uniform(-0.1, 0.1, 64), clean + rng.uniform(1.0, 3.0, 64)
    found = absa.collapse_check(clean, one, many)
    assert found.collapsed is True
    assert found.one_step_rise == pytest.approx((one - clean).mean(), rel=1e-12)
    assert found.many_step_rise == pytest.approx((many - clean).mean(), rel=1e-12)
    assert found.excess == pytest.approx(
        found.many_step_rise - 4 * max(found.one_step_rise, 0.0), rel=1e-12)
    assert 0 < found.standard_error < 0.2
    sound = absa.collapse_check(clean, many - 0.1, many)
    assert sound.collapsed is False and sound.excess < 0
    assert absa.collapse_check(0.2, 0.2, 1.5).collapsed
    assert not absa.collapse_check(clean, one, many, margin=50.0).collapsed
    assert not absa.collapse_check(0.2, 0.5, 1.5, ratio=10).collapsed


@pytest.mark.parametrize("call, kind, text", [
    (lambda: absa.Selection(5, 4), ValueError, "range"),
    (lambda: absa.Selection(1.5, 4), TypeError, "count is 1.5"),
    (lambda: absa.Selection(1, -4), ValueError, "batch is -4"),
    (lambda: absa.Selection(2, numpy.array([1, 1, 1])), ValueError, "range"),
    (lambda: absa.Selection(2, numpy.ones(3)), TypeError, "batch is of float64"),
    (lambda: absa.Selection(2, numpy.ones((3, 1), "int64")), ValueError, "batch has shape"),
    (lambda: absa.selection_count(10, 1.5), ValueError, "range"),
    (lambda: absa.selection_count(10, 0.5, seed=-1), ValueError, "seed is -1"),
    (lambda: absa.selection_count(10, 0.5, "up"), ValueError, "none of floor"),
    (lambda: absa.selection_prefix(-1, 0, 3), ValueError, "count is -1"),
    (lambda: absa.collapse_check([0.1], [0.1, 0.2], [0.3]), ValueError, "one number a row"),
    (lambda: absa.collapse_check([], [], []), ValueError, "range"),
    (lambda: absa.collapse_check([math.nan], [0.1], [0.2]), absa.NonfiniteError, "NaN"),
    (lambda: absa.collapse_check([0.1], [0.1], [0.2], ratio=0.5), ValueError, "range"),
    (lambda: absa.collapse_check([0.1], [0.1], [0.2], fond=0.5), TypeError, "fond"),
])
def test_wrong_arguments_are_named(call, kind, text):
    with pytest.raises(kind, match=text):
        call()
