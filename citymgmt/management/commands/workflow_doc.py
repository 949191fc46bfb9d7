"""Print docs/workflow.md from the one table of moves, or check that it is up to date."""

from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext, override

from accounts.roles import ROLES, Role
from cases import workflow
from cases.workflow import Move, Outcome, Subject

SUBJECTS = {
    Subject.CASE: "the case 案卷",
    Subject.STINT: "a handling stint 处置段",
    Subject.TASK: "a field task 核实/核查任务",
    Subject.REQUEST: "a department's request 申请",
}


class Command(BaseCommand):
    """`workflow_doc` writes the page; `workflow_doc --check` fails when it differs."""

    help = __doc__

    def add_arguments(self, parser):
        parser.add_argument(
            "--check", action="store_true", help="Fail when docs/workflow.md is not what the table says."
        )

    def handle(self, *, check: bool, **options):
        path = Path(settings.BASE_DIR) / "docs" / "workflow.md"
        page = workflow_page()
        if not check:
            path.write_text(page, encoding="utf-8")
            self.stdout.write(f"{path.name} written")
        elif not path.exists() or path.read_text(encoding="utf-8") != page:
            raise CommandError("docs/workflow.md does not agree with cases/workflow.py: ./run manage workflow_doc")


def workflow_page() -> str:
    """Return the page: stages and their clocks, then every move in the order of the table."""
    lines = [
        "# How a case moves",
        "",
        "Printed from `MOVES` in `cases/workflow.py` by `./run manage workflow_doc`; do not edit. "
        "*Verify* 核实 is before filing, *check* 核查 is after handling.",
        "",
        "## Stages and the clock that runs in them",
        "",
        "| subject | stage | 阶段 | clock |",
        "| --- | --- | --- | --- |",
    ]
    for subject, stages, labels in (
        (Subject.CASE, workflow.Stage, workflow.LABELS),
        (Subject.STINT, workflow.StintStage, workflow.STINT_LABELS),
        (Subject.REQUEST, workflow.RequestStage, workflow.LABELS),
    ):
        for stage in stages:
            clock = _clock(subject, stage)
            lines.append(f"| {subject} | {stage} | {_chinese(labels[stage])} | {clock} |")
    for kind in ("verify", "check"):
        lines.append(
            f"| task | sent ({kind}) | {_chinese(workflow.LABELS['sent'])} | {workflow.RUNNING[(Subject.TASK, kind)]} |"
        )
    lines += [
        "",
        "While departments work the case shows its least advanced required stint, in this order: "
        + ", ".join(f"{stint} → {case}" for stint, case in workflow.LEAST_ADVANCED)
        + ".",
    ]
    for subject, words in SUBJECTS.items():
        lines += [
            "",
            f"## Moves on {words}",
            "",
            "| move | 按钮 | from | to | side | who | must say | may say | key |",
            "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        ]
        lines += [_row(move) for move in workflow.MOVES if move.subject is subject]
    return "\n".join(lines) + "\n"


def _clock(subject: Subject, stage: str) -> str:
    if clock := workflow.RUNNING.get((subject, stage)):
        return str(clock)
    if clock := workflow.PAUSED.get((subject, stage)):
        return f"{clock}, paused"
    return "—"


def _row(move: Move) -> str:
    frm = ", ".join(move.frm) + (f" ({'/'.join(move.kinds)})" if move.kinds else "")
    to = "; ".join(_outcome(name, outcome) for name, outcome in move.outcomes.items())
    who = ", ".join(f"{role} {_chinese(ROLES[Role(role)].label)}" for role in move.roles)
    proof = {"hand": " ✋", "judged": " ⚖"}.get(move.proof, "")
    cells = [
        f"`{move.verb}`{proof}", _chinese(move.label), frm, to, move.side, who,
        ", ".join(move.facts) or "—", ", ".join(move.optional) or "—", move.key or "—",
    ]  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def _outcome(name: str, outcome: Outcome) -> str:
    parts = [f"*{name}*:"] if name else []
    if outcome.to:
        parts.append(str(outcome.to))
    if outcome.stays:
        parts.append("(case: as it is)")
    elif outcome.case is None:
        parts.append("(case: by its stints)")
    elif str(outcome.case) != str(outcome.to):
        parts.append(f"(case: {outcome.case})")
    parts += [f"+ {also.subject} → {also.to}" for also in outcome.also]
    return " ".join(parts)


def _chinese(text: str) -> str:
    with override("zh-hans"):
        return gettext(text)
