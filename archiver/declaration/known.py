"""Every name that a template may use, gathered from where it is shown."""

from __future__ import annotations

from archiver.declaration.facts_declaration import DECLARATION_FACTS
from archiver.declaration.facts_snapshot import SNAPSHOT_FACTS
from archiver.declaration.tables import DECLARATION_TABLES, SNAPSHOT_TABLES, STEP_TABLES
from archiver.declaration.template import Known, Scope

_SNAPSHOT: Scope = "snapshot"
_DECLARATION: Scope = "declaration"

KNOWN = Known(
    facts=dict.fromkeys(SNAPSHOT_FACTS, _SNAPSHOT) | dict.fromkeys(DECLARATION_FACTS, _DECLARATION),
    tables=dict.fromkeys((*SNAPSHOT_TABLES, *STEP_TABLES), _SNAPSHOT) | dict.fromkeys(DECLARATION_TABLES, _DECLARATION),
)
"""Facts and tables by name, each with whether it belongs to one snapshot."""
