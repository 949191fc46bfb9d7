"""Roles 岗位 and sides: who the people of the two centres and the departments are, as one table.

Pure: no Django. Supervision decides whether it is a case and whether it is done, command decides who does it,
departments do it; an account holds roles of one of these three sides (`POWERS`). Source: the domain's table of roles.
"""

from dataclasses import dataclass
from enum import StrEnum


def _(text: str) -> str:
    """Mark a label for translation; it is translated where it is shown."""
    return text


class Side(StrEnum):
    """On whose behalf somebody acts."""

    SUPERVISION = "supervision"
    COMMAND = "command"
    DEPARTMENT = "department"
    SYSTEM = "system"
    CITIZEN = "citizen"
    NONE = "none"


# The sides kept apart: whoever acts for one of them never acts for another on the same case.
POWERS = frozenset({Side.SUPERVISION, Side.COMMAND, Side.DEPARTMENT})

SIDE_LABELS: dict[Side, str] = {
    Side.SUPERVISION: _("Supervision"),
    Side.COMMAND: _("Command"),
    Side.DEPARTMENT: _("Department side"),
    Side.SYSTEM: _("System"),
    Side.CITIZEN: _("Citizen"),
    Side.NONE: _("No side"),
}


class Role(StrEnum):
    """What somebody is appointed to."""

    COLLECTOR = "collector"
    ACCEPTANCE_OPERATOR = "acceptance_operator"
    DUTY_LEADER = "duty_leader"
    VIDEO_OPERATOR = "video_operator"
    INSPECTOR = "inspector"
    EVALUATOR = "evaluator"
    DISPATCHER = "dispatcher"
    COMMANDER = "commander"
    DEPARTMENT_OPERATOR = "department_operator"
    HANDLER = "handler"
    LEADER = "leader"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True)
class RoleInfo:
    """`is_desk`: logging in takes a seat and signs on for duty. `superiors`: who is told beside this role."""

    side: Side
    label: str
    home_url_name: str
    is_desk: bool
    superiors: tuple[Role, ...]


# In the order of the loop. It is also the order in which the home page looks for somebody's desk.
ROLES: dict[Role, RoleInfo] = {
    Role.COLLECTOR: RoleInfo(Side.SUPERVISION, _("Collector"), "patrol:home", True, (Role.DUTY_LEADER,)),
    Role.ACCEPTANCE_OPERATOR: RoleInfo(
        Side.SUPERVISION, _("Acceptance operator"), "cases:desk", True, (Role.DUTY_LEADER,)
    ),
    Role.DUTY_LEADER: RoleInfo(Side.SUPERVISION, _("Duty leader"), "cases:desk", True, (Role.LEADER,)),
    Role.VIDEO_OPERATOR: RoleInfo(Side.SUPERVISION, _("Video operator"), "cases:desk", True, (Role.DUTY_LEADER,)),
    Role.INSPECTOR: RoleInfo(Side.SUPERVISION, _("Inspector"), "cases:desk", True, (Role.DUTY_LEADER, Role.LEADER)),
    Role.EVALUATOR: RoleInfo(Side.SUPERVISION, _("Evaluator"), "evaluation:ranking", False, (Role.LEADER,)),
    Role.DISPATCHER: RoleInfo(Side.COMMAND, _("Dispatcher"), "dispatch:desk", True, (Role.COMMANDER, Role.LEADER)),
    Role.COMMANDER: RoleInfo(Side.COMMAND, _("Commander"), "dispatch:desk", False, (Role.LEADER,)),
    Role.DEPARTMENT_OPERATOR: RoleInfo(
        Side.DEPARTMENT, _("Department operator"), "dispatch:department", True, (Role.LEADER,)
    ),
    Role.HANDLER: RoleInfo(Side.DEPARTMENT, _("Handler"), "dispatch:department", False, (Role.DEPARTMENT_OPERATOR,)),
    Role.LEADER: RoleInfo(Side.NONE, _("Leader"), "evaluation:leader", False, ()),
    Role.ADMINISTRATOR: RoleInfo(Side.NONE, _("Administrator"), "accounts:maintenance", False, ()),
}


def sides_held(roles: set[Role]) -> set[Side]:
    """Which of the separate powers these roles belong to; more than one is a conflict unless the city allows it."""
    return {ROLES[role].side for role in roles} & POWERS
