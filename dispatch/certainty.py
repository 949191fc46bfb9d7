"""How sure a proposal is: the share of right dispatches to expect, learnt from what became of earlier ones. Pure.

Of a class of problems sent to a department from a place some stayed there (right), some came back (wrong). The narrower
the place, the better it fits and the fewer there are. So each level corrects the one above it, and weighs as much as it
has outcomes: the rule over all classes, the class under this rule, the class at this department in the city, in the
district, on the street. In terms of statistics: a beta-binomial chain, each level's mean being the prior of the next,
every outcome used once.
"""

from collections.abc import Iterable
from dataclasses import dataclass

# So many outcomes of the narrower level weigh as much as everything known from the wider ones.
PRIOR_WEIGHT = 8.0
# What a rule is thought to be worth before any outcome at all weighs little.
FIRST_WEIGHT = 4.0
# A department that sent most of so many back goes behind those that did not.
REFUTED_AFTER = 5
REFUTED_BELOW = 0.5


@dataclass(frozen=True)
class Outcome:
    """Earlier dispatches: those that stayed, and those that came back; and the same weighed, older ones less."""

    right: int = 0
    wrong: int = 0
    weighed_right: float = 0.0
    weighed_wrong: float = 0.0

    @classmethod
    def of(cls, right: int, wrong: int, weight: float = 1.0) -> "Outcome":
        """Return so many outcomes that count with this weight each, from 0 to 1."""
        return cls(right, wrong, right * weight, wrong * weight)

    @property
    def total(self) -> int:
        return self.right + self.wrong

    def __add__(self, other: "Outcome") -> "Outcome":
        return Outcome(
            self.right + other.right,
            self.wrong + other.wrong,
            self.weighed_right + other.weighed_right,
            self.weighed_wrong + other.weighed_wrong,
        )

    def without(self, part: "Outcome") -> "Outcome":
        """Return what is left when a part of it is counted elsewhere; never less than nothing."""
        return Outcome(
            max(0, self.right - part.right),
            max(0, self.wrong - part.wrong),
            max(0.0, self.weighed_right - part.weighed_right),
            max(0.0, self.weighed_wrong - part.weighed_wrong),
        )


NONE = Outcome()


@dataclass(frozen=True)
class Experience:
    """Outcomes of a class at a department: on the street, in the district, in the city (each part of the next).

    `of_class` holds those of the class at any department under the rule that proposes it, `rule` those of all classes.
    """

    street: Outcome = NONE
    district: Outcome = NONE
    city: Outcome = NONE
    of_class: Outcome = NONE
    rule: Outcome = NONE

    @property
    def rests_on(self) -> int:
        """How many outcomes of the class the figure rests on: at this department, or under this rule at any."""
        return max(self.city.total, self.of_class.total)

    def narrowest(self, at_least: int = 1) -> tuple[str, Outcome]:
        """Return the narrowest level that holds so many outcomes, by name; ("", none) when none does."""
        for name in ("street", "district", "city", "of_class", "rule"):
            outcome: Outcome = getattr(self, name)
            if outcome.total >= at_least:
                return name, outcome
        return "", NONE


UNKNOWN = Experience()


def sure(first_estimate: float, experience: Experience) -> float:
    """Return the share of right dispatches to expect, above 0 and below 1 when the first estimate is."""
    known = experience
    of_class = known.of_class.without(known.city)
    share = corrected(first_estimate, known.rule.without(known.city).without(of_class), FIRST_WEIGHT)
    for outcome in (of_class, known.city.without(known.district), known.district.without(known.street), known.street):
        share = corrected(share, outcome, PRIOR_WEIGHT)
    return share


def corrected(prior: float, outcome: Outcome, weight: float) -> float:
    """Return a prior share corrected by outcomes: the mean of the beta distribution that they lead to."""
    right, wrong = outcome.weighed_right, outcome.weighed_wrong
    return (right + weight * prior) / (right + wrong + weight)


def is_refuted(experience: Experience) -> bool:
    """True when experience speaks against a department: where enough is known of it, most came back."""
    level, outcome = experience.narrowest(REFUTED_AFTER)
    return level in ("street", "district", "city") and outcome.right < REFUTED_BELOW * outcome.total


def weight_of(months_ago: float, half_life_months: float) -> float:
    """Return what an outcome of so long ago counts: half after a half-life; with a half-life of 0 all count alike."""
    return float(0.5 ** (max(0.0, months_ago) / half_life_months)) if half_life_months else 1.0


@dataclass(frozen=True)
class Bin:
    """Claims of about the same height, and how many of them came true."""

    claims: int
    claimed: float
    came_true: float

    @property
    def sampling_error(self) -> float:
        """The standard deviation that chance alone gives the share that came true."""
        return float((self.claimed * (1 - self.claimed) / self.claims) ** 0.5)


def reliability(claims: Iterable[tuple[float, bool]], *, bins: int = 5) -> list[Bin]:
    """Return claims (how sure, came true or not) in bins of about as many each, from the least sure to the surest."""
    ordered = sorted(claims)
    size = max(1, -(-len(ordered) // bins))
    found = []
    for start in range(0, len(ordered), size):
        part = ordered[start : start + size]
        found.append(
            Bin(
                len(part),
                sum(share for share, _true in part) / len(part),
                sum(1 for _share, true in part if true) / len(part),
            )
        )
    return found
