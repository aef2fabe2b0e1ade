"""Every key of ``archive.toml`` that stands in a plain section: its default, its unit, its check."""

from __future__ import annotations

from dataclasses import dataclass

from archiver import setting_values as kind
from archiver.setting_values import Check

Value = kind.Value


@dataclass(frozen=True, slots=True)
class Key:
    """One setting: where it stands, its default, and the line that explains it with its unit."""

    section: str
    name: str
    default: Value
    about: str
    check: Check

    @property
    def path(self) -> str:
        """``section.name``, as ``--set`` takes it."""
        return f"{self.section}.{self.name}"


WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CHANGE_CLASSES = ("wording", "links", "punctuation", "layout", "reversion", "variant", "extraction", "content")
EVENTS = ("change", "provision", "failing", "stamp_overdue", "quarantine")

SCHEMA: tuple[Key, ...] = (
    Key(
        "archive",
        "origin",
        "evidence.example.org/log",
        "name of the log, in every checkpoint; fixed by init",
        kind.origin,
    ),
    Key("archive", "prefix", "EA", "first part of every identifier; fixed by init", kind.prefix),
    Key("archive", "name", "Evidence Archive", "name of the archive, as citations print it", kind.filled),
    Key(
        "archive",
        "head_copy",
        "",
        "folder outside the archive for the copy of the newest head; empty: user state",
        kind.text,
    ),
    Key("archive", "resolver", "", "address under which records can be asked for, empty when there is none", kind.text),
    Key("archive", "resolver_is_public", False, "everyone may ask there; otherwise citations say: on file", kind.flag),
    Key("archive", "naan", "", "number of your organisation for ARKs, five digits; empty: no ARKs", kind.naan),
    Key(
        "archive",
        "keep_until",
        "",
        "day to which snapshots will be kept; empty: no promise",
        kind.day_or_nothing,
    ),
    Key("archive", "keep_by", "", "who promises it, as citations print it", kind.text),
    Key(
        "network",
        "user_agent",
        "evidence-archiver/0.1 (+mailto:operator@example.org)",
        "with a contact address",
        kind.printable,
    ),
    Key(
        "network",
        "allow_private",
        [],
        "networks that may be contacted although not public, e.g. 127.0.0.0/8",
        kind.networks,
    ),
    Key("network", "ports", [80, 443], "TCP ports that may be contacted", kind.ports),
    Key("network", "ca_file", "", "PEM file with further TLS roots; empty: none", kind.text),
    Key("network", "timeout_s", 60, "seconds for one visit with all its redirects", kind.whole(1, 3600)),
    Key("network", "max_bytes", 104857600, "bytes received for one response", kind.whole(1024, 1 << 40)),
    Key("network", "max_content_bytes", 419430400, "bytes of one response after decoding", kind.whole(1024, 1 << 42)),
    Key("network", "max_redirects", 10, "redirects of one visit", kind.whole(0, 50)),
    Key("network", "concurrency", 8, "checks in flight at once", kind.whole(1, 256)),
    Key(
        "network", "per_host_interval_s", 2, "seconds between two checks of one host by the daemon", kind.whole(0, 3600)
    ),
    Key(
        "network",
        "robots",
        "obey",
        "obey: a refusal blocks the check; record: it is stated only",
        kind.one_of("obey", "record"),
    ),
    Key("network", "conditional", False, "ask with If-None-Match; a 304 is only the server's word", kind.flag),
    Key("network", "full_copy_every", "7d", "an equal payload is kept in full again after this time", kind.duration),
    Key("schedule", "every", "6h", "time between two checks of a document that names none", kind.duration),
    Key("schedule", "jitter", 0.1, "share of the interval by which a check may be earlier or later", kind.share),
    Key(
        "schedule",
        "retry_s",
        [60, 300, 1800],
        "seconds to wait after the 1st, 2nd, … failure that may pass",
        kind.seconds_list,
    ),
    Key("log", "publish_every_s", 60, "seconds between two checkpoints of the daemon", kind.whole(1, 86400)),
    Key(
        "gate",
        "shrink_percent",
        60,
        "a text that lost more than so many per cent of its words is held back",
        kind.whole(1, 100),
    ),
    Key("gate", "least_words", 20, "a text of fewer words is held back on lesser signs", kind.whole(0, 2000)),
    Key(
        "stamp",
        "snapshots",
        "new_version",
        "which statements get a token of their own",
        kind.one_of("new_version", "all", "none"),
    ),
    Key("stamp", "checkpoint_every_s", 300, "least seconds between two stamped checkpoints", kind.whole(1, 86400)),
    Key(
        "stamp", "heartbeat_s", 86400, "seconds after which an unchanged log is stamped again", kind.whole(60, 2592000)
    ),
    Key("stamp", "overdue_s", 86400, "seconds after which a missing token is called overdue", kind.whole(60, 2592000)),
    Key(
        "stamp",
        "revocation_every_s",
        86400,
        "seconds between two looks at the revocation data of an authority; 0: none is fetched",
        kind.whole(0, 2592000),
    ),
    Key("stamp", "timeout_s", 30, "seconds to wait for an authority", kind.whole(1, 600)),
    Key(
        "storage",
        "reserve_bytes",
        4194304,
        "bytes kept aside so that a full disk can still be stated",
        kind.whole(0, 1 << 34),
    ),
    Key(
        "alert",
        "failing_after",
        3,
        "checks that must fail in a row before a document is called failing",
        kind.whole(1, 100),
    ),
    Key(
        "alert",
        "retry_s",
        [60, 300, 1800, 7200, 21600],
        "seconds to wait after the 1st, 2nd, … failed delivery; the last counts for all later ones",
        kind.seconds_list,
    ),
    Key("alert", "give_up_after", "7d", "a delivery that still fails after this time is given up", kind.duration),
    Key("alert", "timeout_s", 30, "seconds for one delivery as a whole", kind.whole(1, 3600)),
    Key("alert", "digest_hour", 8, "hour of the day, in UTC, at which digests are sent", kind.whole(0, 23)),
    Key(
        "alert", "digest_weekday", "monday", "day of the week on which weekly digests are sent", kind.one_of(*WEEKDAYS)
    ),
    Key(
        "alert",
        "base_url",
        "",
        "address that links of alerts begin with, the identifier follows; empty: no links",
        kind.address_or_nothing,
    ),
    Key(
        "import",
        "max_bytes",
        17179869184,
        "bytes of one file of other people that is taken in",
        kind.whole(1024, 1 << 44),
    ),
    Key("import", "max_records", 1000000, "WARC records of one such file", kind.whole(1, 10000000)),
    Key(
        "import",
        "max_ratio",
        400,
        "how many times its size such a file may inflate to (the first 64 MiB are free)",
        kind.whole(1, 2000),
    ),
    Key(
        "outside",
        "retry_s",
        [300, 1800, 7200, 21600],
        "seconds to wait after the 1st, 2nd, … time a web archive made no copy; the last counts for all later ones",
        kind.seconds_list,
    ),
    Key("outside", "give_up_after", "3d", "a copy that could not be had in this time is given up", kind.duration),
    Key(
        "outside",
        "max_bytes",
        33554432,
        "bytes of a copy that are fetched to compare it; a larger one is not compared",
        kind.whole(1024, 1 << 28),
    ),
    Key("web", "bind", "127.0.0.1:8080", "address of the web page (reserved)", kind.text),
)
