"""What the program refuses to do, as an exception: a code and the facts. No Django, no app.

Each refusal lives beside the function that raises it; the sentence somebody can act on is in citymgmt/refusals.py.
"""

from typing import Any, ClassVar


class Refusal(Exception):
    """Raised where something the person asked for is not done. `facts` fill the sentence's gaps."""

    code: ClassVar[str] = "refused"

    def __init__(self, **facts: Any) -> None:
        super().__init__(self.code, facts)
        self.facts = facts

    def __str__(self) -> str:
        return f"{self.code} {self.facts}" if self.facts else self.code
