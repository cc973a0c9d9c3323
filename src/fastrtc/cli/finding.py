"""The result of a check of ``fastrtc doctor``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding", "State", "print_findings"]

State = Literal["ok", "note", "wrong"]

MARKS: dict[State, str] = {"ok": "ok   ", "note": "note ", "wrong": "WRONG"}


@dataclass(frozen=True)
class Finding:
    """The result of a check.

    Attributes:
        name: What was checked.
        state: ``"ok"``, ``"note"`` for something that may be intended, or ``"wrong"``.
        detail: The result.
        advice: How to fix it; empty if there is nothing to fix.
    """

    name: str
    state: State
    detail: str
    advice: str = ""


def print_findings(findings: list[Finding]) -> None:
    """Print findings, one a line, and how many are wrong."""
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        print(f"{MARKS[finding.state]}  {finding.name:{width}}  {finding.detail}")
        for advice in finding.advice.splitlines():
            print(f"{'':{width + 9}}-> {advice}")
    wrong = sum(finding.state == "wrong" for finding in findings)
    print(f"\n{wrong or 'Nothing'} wrong.")
