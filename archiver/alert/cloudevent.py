"""A message as a CloudEvents 1.0 event in structured JSON: what programs receive. Pure."""

from __future__ import annotations

import json
from typing import Any

from archiver.alert.interface import Message

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"


def event_of(message: Message) -> dict[str, Any]:
    """Return the event; ``source`` and ``id`` together name it once and for all."""
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": message.id,
        "source": message.source,
        "type": f"evidence_archiver.alert.{message.kind}",
        "time": message.at,
        "datacontenttype": "application/json",
        "data": {"summary": message.subject, **message.data},
    }
    if message.about:
        event["subject"] = message.about
    return event


def body_of(message: Message) -> bytes:
    """Return the event as JSON in UTF-8; half a character, which JSON cannot hold, becomes a question mark."""
    return json.dumps(event_of(message), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
