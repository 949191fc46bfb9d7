"""How sure a proposal is: the figure means what it says."""

from random import Random

import pytest

from dispatch.certainty import PRIOR_WEIGHT, Experience, Outcome, reliability, sure, weight_of


def test_each_level_corrects_the_one_above_by_as_much_as_it_knows():
    wide = Experience(rule=Outcome.of(900, 100))
    assert sure(0.5, wide) == pytest.approx(0.9, abs=0.01)
    city = Outcome.of(40, 10)
    assert 0.8 < sure(0.5, Experience(rule=Outcome.of(940, 110), city=city)) < 0.83
    street = Outcome.of(0, 10)
    spoilt = sure(0.5, Experience(rule=Outcome.of(940, 110), city=city, district=street, street=street))
    assert spoilt < 0.5


def test_nothing_is_counted_twice():
    """All outcomes on one street: the wider levels hold nothing else, so they add nothing."""
    one = Outcome.of(10, 0)
    here = sure(0.5, Experience(street=one, district=one, city=one, rule=one))
    assert here == pytest.approx((10 + PRIOR_WEIGHT * 0.5) / (10 + PRIOR_WEIGHT))


def test_old_outcomes_count_less():
    assert weight_of(0, 3) == 1
    assert weight_of(3, 3) == 0.5
    assert weight_of(100, 0) == 1


def test_it_is_never_certain():
    assert 0 < sure(0.9, Experience(city=Outcome.of(0, 10_000))) < sure(0.9, Experience(city=Outcome.of(10_000, 0))) < 1


# — a history whose truth is known —

CLASSES, STREETS, DISPATCHES = 30, 8, 24_000


def lived(seed: int) -> list[tuple[float, bool]]:
    """Return claims over an invented history: classes differ, and streets within a class; what each says and became."""
    chance = Random(seed)
    truth = {}
    for one in range(CLASSES):
        of_class = chance.betavariate(8, 1.2)
        for street in range(STREETS):
            share = chance.betavariate(PRIOR_WEIGHT * of_class + 0.01, PRIOR_WEIGHT * (1 - of_class) + 0.01)
            truth[one, street] = share
    city: dict[int, list[int]] = {one: [0, 0] for one in range(CLASSES)}
    here: dict[tuple[int, int], list[int]] = {place: [0, 0] for place in truth}
    rule = [0, 0]
    weights = [1 / (1 + one) for one in range(CLASSES)]  # some classes are frequent, most are rare
    claims = []
    for number in range(DISPATCHES):
        one = chance.choices(range(CLASSES), weights=weights)[0]
        street = chance.randrange(STREETS)
        known = Experience(
            street=Outcome.of(*here[one, street]),
            district=Outcome.of(*city[one]),
            city=Outcome.of(*city[one]),
            rule=Outcome.of(*rule),
        )
        came_true = chance.random() < truth[one, street]
        if number >= 500:  # before that hardly anything is known
            claims.append((sure(0.8, known), came_true))
        for counted in (city[one], here[one, street], rule):
            counted[0 if came_true else 1] += 1
    return claims


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_of_claims_of_a_height_as_many_come_true_within_what_chance_allows(seed):
    bins = reliability(lived(seed), bins=8)
    assert bins[-1].claimed - bins[0].claimed > 0.3  # it tells them apart
    for one in bins:
        # Four standard deviations of chance, and a point for what the chain simplifies.
        assert abs(one.came_true - one.claimed) < 4 * one.sampling_error + 0.01, one


def test_a_constant_would_fail_that():
    claims = [(0.85, came_true) for _share, came_true in lived(1)]
    told = sorted(zip((share for share, _true in lived(1)), claims, strict=True))
    least = [claim for _share, claim in told[: len(told) // 8]]
    came_true = sum(true for _share, true in least) / len(least)
    assert abs(came_true - 0.85) > 0.1
