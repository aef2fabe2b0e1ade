"""The outcome of a check: what people and ``--json`` see, joined from its capture and its assessment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archiver.evidence.canonical import Json
from archiver.evidence.exchange import RETRYABLE
from archiver.evidence.statement import Statement

GOOD = frozenset({"new_version", "unchanged", "not_modified", "varying"})
"""Outcomes with which a document counts as verified at that time."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A check as its statements tell it."""

    capture: Statement
    assessment: Statement | None

    @property
    def word(self) -> str:
        """``new_version`` ``unchanged`` ``not_modified`` ``varying`` ``quarantined`` ``blocked`` ``failed``
        ``robots_denied`` ``skipped``.
        """
        return outcome_word(self.capture.body, self.assessment.body if self.assessment else None)

    @property
    def retryable(self) -> bool:
        """True when the failure may be gone in a minute."""
        reason = self.capture.body["reason"]
        return reason is not None and reason["code"] in RETRYABLE

    def to_json(self, stamps: Sequence[Mapping[str, Any]] = ()) -> Json:
        """One item of ``capture --json`` (its keys are a contract); of several parts it tells the first one's facts."""
        body = self.capture.body
        part = body["parts"][0] if body["parts"] else None
        last = part["exchanges"][-1] if part and part["exchanges"] else None
        tls = last["connection"]["tls"] if last and last["connection"] else None
        judged = self.assessment.body if self.assessment else None
        reason = body["reason"]
        text = f"{reason['code']}: {reason['detail']}" if reason else (judged["reason"] if judged else None)
        return {
            "seq": self.capture.seq,
            "snapshot": body["snapshot"],
            "document": body["document"],
            "url": body["parts"][0]["url"] if body["parts"] else None,
            "final_url": part["final_url"] if part else None,
            "outcome": self.word,
            "reason": text,
            "started_at": body["started_at"],
            "ended_at": body["ended_at"],
            "status": last["status"] if last else None,
            "statement_sha256": self.capture.entry_hex,
            "warc_sha256": body["warc"]["sha256"] if body["warc"] else None,
            "payload_sha256": last["payload_sha256"] if last else None,
            "content_sha256": part["content"]["sha256"] if part and part["content"] else None,
            "text_sha256": judged["text_sha256"] if judged else None,
            "version": judged["version"] if judged else None,
            "change": judged["change"] if judged else None,
            "tls_verdict": tls["verdict"] if tls else None,
            "limits": body["limits"],
            "stamps": list(stamps),
        }


def outcome_word(capture: Json, assessment: Json | None) -> str:
    """Join a capture's result with its assessment's outcome."""
    if capture["result"] == "stored":
        return str(assessment["outcome"]) if assessment else "unassessed"
    reason = capture["reason"]
    if capture["result"] == "blocked" and reason and reason["code"].startswith("robots_"):
        return "robots_denied"
    return str(capture["result"])


def outcome_of(capture: Statement, assessment: Statement | None) -> Outcome:
    """Join the two statements."""
    return Outcome(capture, assessment)
