"""Step 10 of a check: read a snapshot by its document's rules, judge it, compare it with what is known.

Reading runs in the thread that captured; judging on the writer's thread, for it needs the versions before. Neither
can lose a capture: what cannot be read or compared is stated as such, and can be assessed again later.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from archiver.archive import Archive
from archiver.comparison import changed_rules, class_of_return, dates_in, dates_of, stand_in
from archiver.errors import ArchiveDamaged, Disposed
from archiver.evidence.canonical import Json
from archiver.evidence.exchange import Visit
from archiver.evidence.instant import parse_instant
from archiver.evidence.text_lines import SEED_BYTES
from archiver.past import DocumentPast, Passed, keeps_links, kept_text
from archiver.rereading import content_type_of, decoded, sources_of
from archiver.texts import keep, keep_links, read_lines
from archiver.watch.assess import Judgement, rules_sha256
from archiver.watch.entry import WatchEntry, rules_for
from archiver.watch.reading import PageRules, Problem, Reading, Source
from storage.errors import Missing, StorageError

if TYPE_CHECKING:
    from archiver.watch.gate import Earlier, GateLimits

LOG = logging.getLogger("archiver.assessor")
NORMALISER = "text/1"
"""The normaliser by which new captures are read."""
TEXTS_KEPT = 32
"""Texts held in memory for comparison."""

Lines = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Assessed:
    """A judgement, and the files that must be durable before it is stated."""

    judgement: Judgement
    paths: tuple[str, ...] = ()


def read(sources: Sequence[Source], rules: Sequence[PageRules]) -> Reading:
    """Read contents by the normaliser in force; whatever it stumbles over becomes a problem that the gate sees."""
    from archiver.watch.extract import text_1

    try:
        reading = text_1.read(sources, rules)
        (reading.text + reading.links_text).encode()  # what could not be kept must be noticed here, not by the commit
        return reading
    except Exception as error:  # the capture is safe; a page that breaks the reader must not stop the archive
        LOG.exception("a page could not be read")
        return Reading(NORMALISER, (), problems=(Problem("unreadable", f"{type(error).__name__}: {error}"[:300]),))


@dataclass(slots=True)
class Assessor:
    """Assesses the captures of watched documents of one archive."""

    archive: Archive
    random: Callable[[int], bytes]
    _texts: OrderedDict[str, Lines] = field(default_factory=OrderedDict)
    _seeds: dict[str, bytes] = field(default_factory=dict)
    """Seeds of texts that were written by this process and are not stated yet."""

    # -- reading -----------------------------------------------------------------------------------

    def entry(self, watch_seq: int | None) -> WatchEntry | None:
        """The entry that a ``watch`` statement put in force."""
        import json

        if watch_seq is None:
            return None
        row = self.archive.index.row("select entry from watch_entry where seq = ?", (watch_seq,))
        return None if row is None else WatchEntry.from_json(json.loads(row["entry"]))

    def rules(self, watch_seq: int | None, parts: int) -> tuple[PageRules, ...]:
        """The rules for each part of a capture; a bare capture has none."""
        entry = self.entry(watch_seq)
        rules = () if entry is None else rules_for(entry)
        return rules if len(rules) == parts else (*rules, *[PageRules()] * parts)[:parts]

    def read_visits(self, draft: Json, visits: Sequence[Visit]) -> Reading | None:
        """Read what was just received, from memory or spool; None where there is nothing to assess by rules."""
        if draft["document"] is None or draft["result"] != "stored":
            return None
        sources = []
        for part, visit in zip(draft["parts"], visits, strict=True):
            content = b""
            if part["content"] is not None:
                last = visit.exchanges[-1]
                content = decoded(last.response, last.method)
            kind = content_type_of(part["exchanges"][-1]) if part["exchanges"] else None
            sources.append(Source(part["final_url"], content, kind))
        return read(sources, self.rules(draft["watch_seq"], len(sources)))

    def reread(self, capture: Json, watch_seq: int | None, folder: str | None = None) -> Reading:
        """Read a stored capture again from its WARC by the rules of a ``watch`` statement."""
        sources = sources_of(self.archive, capture, folder)
        return read(sources, self.rules(watch_seq, len(sources)))

    def reread_or_say_why(
        self, capture: Json, watch_seq: int | None, folder: str | None = None
    ) -> tuple[Reading, bool]:
        """The same where an assessment is owed: a damaged file becomes a problem that the gate holds back, and False.

        Else one damaged snapshot would keep the archive from starting, or from publishing, for ever.
        """
        try:
            return self.reread(capture, watch_seq, folder), True
        except (ArchiveDamaged, Disposed) as error:
            LOG.error("%s cannot be read: %s", capture.get("snapshot") or folder, error)
            return Reading(NORMALISER, (), problems=(Problem("unreadable", error.what[:300]),)), False

    # -- judging -----------------------------------------------------------------------------------

    def assess(
        self,
        capture: Json,
        reading: Reading,
        *,
        watch_seq: int | None,
        before: int | None = None,
        supersedes: int | None = None,
        decision_seq: int | None = None,
        released: bool = False,
    ) -> Assessed:
        """Judge a reading against what came before capture ``before`` (None: all), and keep its text where it is new.

        ``released``: a person has decided that it passes. ``StorageError`` where the text cannot be kept.
        """
        rules = rules_sha256(reading.normaliser, self.rules(watch_seq, len(capture["parts"])))
        try:
            judged = self._judge(capture, reading, rules, watch_seq, before, released=released)
        except StorageError:
            raise
        except Exception as error:  # as above: state it, go on
            LOG.exception("a snapshot of %s could not be judged", capture["document"])
            detail = f"{type(error).__name__}: {error}"[:300]
            judged = Judgement("gate/1", rules, reading, "quarantined", "internal", detail)
        judged = replace(judged, supersedes=supersedes, decision_seq=decision_seq)
        return self._keep(judged) if judged.passed else Assessed(judged)

    def _judge(
        self, capture: Json, reading: Reading, rules: str, watch_seq: int | None, before: int | None, *, released: bool
    ) -> Judgement:
        from archiver.watch import gate
        from archiver.watch.language import detect

        past = DocumentPast(self.archive, capture["document"], reading.normaliser)
        past = past if before is None else replace(past, before=before)
        recent = past.recent
        last = recent[-1] if recent else None
        language = detect(reading.text)
        judged = Judgement(gate.NAME, rules, reading, language=language)
        known = past.version_of(reading.text_sha256)
        if last is not None:
            judged = replace(judged, previous_version=last.version)
        if not released:
            refusal = gate.judge(
                capture, reading, self._earlier(last, capture, reading, rules), self._limits(watch_seq)
            )
            if refusal is not None:
                return replace(
                    judged,
                    verdict=refusal.verdict,
                    reason_code=refusal.code,
                    reason=refusal.detail[:500],
                    outcome=refusal.verdict,
                )
        judged = replace(judged, dates=dates_in(reading, language))
        return self._place(judged, past, recent, known, capture, watch_seq)

    def _limits(self, watch_seq: int | None) -> GateLimits:
        from archiver.watch.gate import GateLimits

        entry = self.entry(watch_seq)
        settings = self.archive.settings
        return GateLimits(
            shrink_percent=settings["gate.shrink_percent"],
            language=None if entry is None else entry.language,
            least_words=settings["gate.least_words"],
        )

    def _earlier(self, last: Passed | None, capture: Json, reading: Reading, rules: str) -> Earlier | None:
        """What the gate may hold a reading against: the newest text that passed, and how it was come by."""
        from archiver.watch.gate import Earlier, words_in

        if last is None:
            return None
        lines: Lines | None = reading.lines if last.text_sha256 == reading.text_sha256 else self.lines(last.text_sha256)
        parts = self.archive.statement(last.capture_seq).body["parts"]
        return Earlier(
            words=words_in(Reading(reading.normaliser, lines or ())),
            language=last.language,
            final_urls=tuple(part["final_url"] for part in parts),
            lines=None if lines is None else frozenset(lines),
            selectors_changed=last.rules_sha256 != rules or not self._same_pages(last, capture),
        )

    def _place(
        self,
        judged: Judgement,
        past: DocumentPast,
        recent: Sequence[Passed],
        known: int | None,
        capture: Json,
        watch_seq: int | None,
    ) -> Judgement:
        """Give the wording its number, and the difference its class."""
        from archiver.watch.variants import place

        reading = judged.reading
        if not recent:
            return replace(judged, version=known or past.count + 1, outcome="new_version")
        last = recent[-1]
        at = parse_instant(capture["started_at"]).timestamp()
        seen = known is not None and past.has_seen(known)
        # Wordings take turns only among those that were read by one set of rules: our own turns are no news.
        alike = recent[changed_rules(recent, judged.rules) :]
        placed = place([(item.version, item.at) for item in alike], known if seen else None, at)
        if known is None or not seen:
            judged = replace(judged, version=known or past.count + 1, outcome="new_version")
            return self._class(judged, recent, placed.compare_with or (last.version,), capture, watch_seq)
        if known == last.version:
            links = last.links_sha256 not in (None, reading.links_sha256)
            judged = replace(judged, version=known, outcome="unchanged", change="links" if links else None)
            # It varied and has settled on another wording than people know of: now they are told.
            settled = placed.compare_with if placed.settled else ()
            return replace(judged, change="reversion", compared_with=settled[0]) if settled else judged
        judged = replace(judged, version=known, compared_with=last.version)
        old, ours = self._before(last, judged, capture, watch_seq)
        if ours and old == reading.lines and self._by_former_rules(last, capture) is None:
            return replace(judged, outcome="new_version", change="extraction")
        change = class_of_return(old, reading.lines) if placed.change_hint == "reversion" else placed.change_hint
        return replace(judged, outcome=placed.outcome, change=change)

    def _class(
        self,
        judged: Judgement,
        recent: Sequence[Passed],
        compare_with: Sequence[int],
        capture: Json,
        watch_seq: int | None,
    ) -> Judgement:
        from archiver.watch.change import classify, summary
        from archiver.watch.dates import silent_edit
        from archiver.watch.diff import hunks

        base, old, ours = self._base(judged, recent, compare_with, capture, watch_seq)
        if old is None:
            # Its text is lost, but it was another one.
            return replace(judged, compared_with=base.version, change="wording")
        new = judged.reading.lines
        change = classify(old, new)
        gone = self._by_former_rules(base, capture) if ours and change != "wording" else None
        if gone is not None:
            (old, new), change = gone, "wording"
        elif ours and change is None:
            return replace(judged, compared_with=base.version, change="extraction")
        counts = summary(hunks(old, new))
        words = (counts["words_added"], counts["words_removed"])
        judged = replace(judged, compared_with=base.version, change=change, words=words)
        if change != "wording" or ours:
            return judged
        before = self.archive.statement(base.seq).body.get("publisher_dates", [])
        return replace(judged, silent_edit=silent_edit(dates_of(before), dates_of(judged.dates)))

    def _base(
        self,
        judged: Judgement,
        recent: Sequence[Passed],
        compare_with: Sequence[int],
        capture: Json,
        watch_seq: int | None,
    ) -> tuple[Passed, Lines | None, bool]:
        """What a new wording is compared with, its lines, and whether our own rules have changed in between."""
        from archiver.watch.variants import nearest

        last = recent[-1]
        if len(compare_with) > 1:
            newest = {item.version: item for item in recent}
            texts = {version: self.lines(newest[version].text_sha256) for version in compare_with if version in newest}
            known = {version: lines for version, lines in texts.items() if lines is not None}
            if known:
                version = nearest(judged.reading.lines, known)
                return newest[version], known[version], False
        return last, *self._before(last, judged, capture, watch_seq)

    def _before(
        self, last: Passed, judged: Judgement, capture: Json, watch_seq: int | None
    ) -> tuple[Lines | None, bool]:
        """The newest wording so far, and whether it was read again because our own rules have changed since.

        What differs then is the publisher's doing. Where today's rules find nothing in the older snapshot (the
        publisher built its pages anew) its text stands as it was read then.
        """
        if last.rules_sha256 != judged.rules or not self._same_pages(last, capture):
            older = self.archive.statement(last.capture_seq).body
            lines = self._as_read_now(older, capture, watch_seq, judged.reading.lines)
            if lines is not None:
                return lines, True
        return self.lines(last.text_sha256), False

    def _same_pages(self, last: Passed, capture: Json) -> bool:
        older = self.archive.statement(last.capture_seq).body
        return [part["url"] for part in older["parts"]] == [part["url"] for part in capture["parts"]]

    def _by_former_rules(self, last: Passed, capture: Json) -> tuple[Lines, Lines] | None:
        """The newest wording so far, and the capture by the rules of then, where their words differ too.

        What today's rules leave out went away on its own as well: whoever watched it until now must hear of it.
        """
        from archiver.watch.change import classify

        before = self.lines(last.text_sha256)
        if before is None or not self._same_pages(last, capture):
            return None
        found, _ = self.reread_or_say_why(capture, self.archive.statement(last.seq).body["watch_seq"])
        whole = found.lines and not found.problems
        return (before, found.lines) if whole and classify(before, found.lines) == "wording" else None

    def _as_read_now(self, older: Json, capture: Json, watch_seq: int | None, new: Lines) -> Lines | None:
        """The older snapshot by today's rules, of the pages that are watched still; None where they find nothing in it.

        A page that is watched now and was not then is no news: where all others stand as they did, so does the text.
        """
        try:
            sources = sources_of(self.archive, older)
        except (ArchiveDamaged, Disposed):
            return None  # verify says so; a capture that is lost must not hold back all that follow
        known = {part["url"]: source for part, source in zip(older["parts"], sources, strict=True)}
        urls = [part["url"] for part in capture["parts"]]
        pages: list[Lines] = []
        for url, rules in zip(urls, self.rules(watch_seq, len(urls)), strict=True):
            if url in known:
                found = read((known[url],), (rules,))
                if found.problems or not found.lines:
                    return None
                pages.append(found.lines)
        if not pages:
            return None
        if len(pages) < len(urls) and stand_in(pages, new):
            return new
        return tuple(line for page in pages for line in page)

    def lines(self, sha256: str) -> Lines | None:
        """The lines of a stored text; None where its file is lost or damaged (``verify --all`` says so)."""
        if sha256 in self._texts:
            self._texts.move_to_end(sha256)
            return self._texts[sha256]
        try:
            lines = read_lines(self.archive.files, sha256)
        except Missing as error:
            LOG.warning("no text at %s: disposed of, or lost; verify --all says which", error.path)
            return None
        except (StorageError, ArchiveDamaged) as error:
            LOG.error("a text cannot be read: %s", error)
            return None
        self._texts[sha256] = lines
        if len(self._texts) > TEXTS_KEPT:
            self._texts.popitem(last=False)
        return lines

    def forget(self, texts: Iterable[str]) -> None:
        """Texts that were disposed of: when one comes back it is a new text, with a seed of its own."""
        for sha256 in texts:
            for known in (self._texts, self._seeds):
                known.pop(sha256, None)

    # -- keeping -----------------------------------------------------------------------------------

    def _keep(self, judged: Judgement) -> Assessed:
        """Write what no statement names yet: the text with its seed, the links beside it."""
        reading, paths = judged.reading, list[str]()
        known = kept_text(self.archive, reading.text_sha256)
        if known is None:
            paths, root = keep(self.archive.files, reading, self._seed(reading.text_sha256))
        else:
            (root,) = known
            self._seeds.pop(reading.text_sha256, None)
        if not keeps_links(self.archive, reading.links_sha256):
            paths += keep_links(self.archive.files, reading)
        return Assessed(replace(judged, text_lines_root=root), tuple(paths))

    def _seed(self, text_sha256: str) -> bytes:
        """The seed of a text that no statement names yet: the one that an unfinished batch of ours rests on, or new.

        What another process left on the disk is never taken: after a power loss it may be zeros.
        """
        if text_sha256 not in self._seeds:
            self._seeds[text_sha256] = self.random(SEED_BYTES)
        return self._seeds[text_sha256]
