"""Who sees which figures. Departments are public within the house; people's rankings stay with those who evaluate."""

from datetime import datetime

from accounts.permissions import acting, departments_of
from accounts.roles import Role
from evaluation.scoring import POSTS, ObjectType

EVERYTHING = frozenset({Role.EVALUATOR, Role.LEADER, Role.DUTY_LEADER, Role.COMMANDER})
RANKINGS = EVERYTHING | {Role.DISPATCHER, Role.DEPARTMENT_OPERATOR}
POST_RANKINGS = frozenset({Role.EVALUATOR, Role.LEADER, Role.DUTY_LEADER})
OVERVIEW = frozenset({Role.EVALUATOR, Role.LEADER})
WALL = frozenset({Role.LEADER, Role.COMMANDER, Role.DUTY_LEADER, Role.EVALUATOR})
MAINTAINERS = frozenset({Role.EVALUATOR, Role.ADMINISTRATOR})


def may_see_ranking(user, object_type: ObjectType, *, at: datetime) -> bool:
    """True for those who may see who stands where; of people only for those who answer for them."""
    return acting(user, roles=POST_RANKINGS if object_type in POSTS else RANKINGS, at=at) is not None


def may_see_overview(user, *, at: datetime) -> bool:
    """True for leaders and evaluators."""
    return acting(user, roles=OVERVIEW, at=at) is not None


def may_see_wall(user, *, at: datetime) -> bool:
    """True for leaders, commanders, duty leaders and evaluators."""
    return acting(user, roles=WALL, at=at) is not None


def may_open_all(user, *, at: datetime) -> bool:
    """True for those who may open the cases behind every number."""
    return acting(user, roles=EVERYTHING, at=at) is not None


def may_open(user, object_type: ObjectType, ref: int | str, *, at: datetime) -> bool:
    """True when this person may open the cases behind an object's numbers: a department (by id) its own only."""
    if object_type in POSTS:
        return may_see_ranking(user, object_type, at=at)
    if may_open_all(user, at=at):
        return True
    return object_type is ObjectType.DEPARTMENT and ref in own_departments(user, at=at)


def own_departments(user, *, at: datetime) -> frozenset[int]:
    """Return the ids of the departments whose cases this person may open though he may not open all."""
    return departments_of(user, at) if acting(user, roles={Role.DEPARTMENT_OPERATOR}, at=at) else frozenset()


def may_freeze(user, *, at: datetime) -> bool:
    """True for those who may have a period counted and frozen."""
    return acting(user, roles={Role.EVALUATOR}, at=at) is not None


def may_maintain(user, *, at: datetime) -> bool:
    """True for those who keep schemes and groups."""
    return acting(user, roles=MAINTAINERS, at=at) is not None
