"""What each `Save` writes: T0 and T4 as plain SQL (section 12), and who writes the rest, in one transaction."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Sequence
from functools import singledispatchmethod
from itertools import groupby
from typing import cast

import msgspec

from client.adapters.sqlite_changes import RECALLED, change_columns, erase, target_of
from client.adapters.sqlite_marks import MarksPen
from client.adapters.sqlite_rooms import RoomsPen
from client.adapters.sqlite_rows import PREFS_WISH
from client.adapters.sqlite_schema import HEARD_LID, is_poison
from client.adapters.sqlite_settling import PLACE, SettlingPen, reached
from client.adapters.sqlite_words import read_content
from client.core.effects import (
    Save,
    SaveAdrift,
    SaveArrived,
    SaveComposed,
    SaveDropped,
    SaveFetch,
    SaveFetched,
    SaveFetchGone,
    SaveGeneration,
    SaveHeard,
    SaveMarks,
    SaveMoored,
    SaveOlder,
    SavePath,
    SavePeople,
    SavePrefs,
    SaveRead,
    SaveRenumbered,
    SaveRequeued,
    SaveRewrite,
    SaveRoster,
    SaveSeenLast,
    SaveSettled,
    SaveState,
    SaveUpload,
)
from client.core.history import OLDER
from client.core.model import NOWHERE, Lane, State
from protocol.codec import from_text
from protocol.content import PLAIN, Content, unpack
from protocol.packets import Event, Gap, Relation
from protocol.problems import Problem
from protocol.values import SERVER_DID, ConvId, Did, Digest, Lid, MediaId

log = logging.getLogger(__name__)

KNOWN = """select b.did, b.dg, b.lid, b.mine from json_each(:keys) k cross join bubble b on b.conv = :conv
    and b.did = json_extract(k.value, '$[0]') and b.dg = json_extract(k.value, '$[1]') and b.dg <> '' and b.did <> '0'
    """


class Saver(SettlingPen, MarksPen, RoomsPen):
    """Writes saves and remembers which bubbles they touched, in order.

    A busy turn brings many saves of one kind: what can be asked or said once for all of them is.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        super().__init__(db)
        self._here: dict[tuple[Did, Digest], tuple[Lid, int]] = {}
        self._echoes: list[SaveSettled] = []

    def write(self, saves: Sequence[Save]) -> list[Lid]:
        """Write all of them; return the bubbles that look different."""
        self._touched, self._placed = {}, []
        for kind, alike in groupby(saves, key=type):
            if kind is SaveSettled:
                self._settled(cast(list[SaveSettled], list(alike)))
            elif kind is SaveComposed:
                self._composed(cast(list[SaveComposed], list(alike)))
            else:
                for save in alike:
                    self._write(save)
        self._erase_recalled()
        return list(self._touched)

    @singledispatchmethod
    def _write(self, save: Save) -> None:
        raise AssertionError(f"nobody writes {type(save).__name__}")

    _write.register(SaveState, SettlingPen._stands)
    _write.register(SaveSeenLast, SettlingPen._seen_last)
    _write.register(SaveMarks, MarksPen._marks)
    _write.register(SaveRoster, RoomsPen._roster)
    _write.register(SaveRead, RoomsPen._read)
    _write.register(SaveGeneration, RoomsPen._generation)

    # ------------------------------------------------------------------------------------ T0: the author

    def _composed(self, saves: Sequence[SaveComposed]) -> None:
        for save in saves:
            self._compose(save)
        for conv, lane in {save.conv: save.lane for save in saves}.items():
            self._end_lane(conv, lane)

    def _compose(self, save: SaveComposed) -> None:
        assert self.me is not None
        media = _media_column(save.media)
        self._db.execute(
            """insert into bubble (lid, conv, uid, did, n, pd, dg, at_ms, mine, kind, content, media, state,
            rel, rel_pos, target) values (?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?)
            on conflict (lid) do update set did = excluded.did, n = excluded.n, pd = excluded.pd,
            dg = excluded.dg, at_ms = excluded.at_ms, kind = excluded.kind, content = excluded.content,
            media = excluded.media, state = excluded.state, code = '', place = excluded.place""",
            (
                save.lid, save.conv, self.me.uid, self.me.did, save.n, save.pd, save.dg, save.at_ms,
                self._kind(save.content, save.conv), save.content, media, State.QUEUED,
                save.rel.kind if save.rel else "", save.rel.pos if save.rel else 0, save.target,
            ),
        )  # fmt: skip
        if save.media:  # it may have waited for its upload
            self._db.execute("delete from upload where lid = ?", (save.lid,))
        self._queue(save.lid, save.conv, save.n, save.pd, save.dg, save.content, media, save.at_ms)
        self._touch(save.lid)

    @_write.register
    def _renumbered(self, save: SaveRenumbered) -> None:
        for row in save.rows:
            for table in ("outbox", "bubble"):
                self._db.execute(f"update {table} set n = ?, pd = ? where lid = ?", (row.n, row.pd, row.lid))
            self._touch(row.lid)
        self._end_lane(save.conv, save.lane)

    @_write.register
    def _adrift(self, save: SaveAdrift) -> None:
        self._db.execute("update outbox set n = 0, pd = '', parked = 0 where lid = ?", (save.lid,))
        self._db.execute("update bubble set n = 0, pd = '', state = ? where lid = ?", (State.QUEUED, save.lid))
        self._touch(save.lid)

    @_write.register
    def _moored(self, save: SaveMoored) -> None:
        self._db.execute("update outbox set n = ?, pd = ? where lid = ?", (save.n, save.pd, save.lid))
        self._db.execute(
            "update bubble set n = ?, pd = ?, rel_pos = ? where lid = ?", (save.n, save.pd, save.pos, save.lid)
        )
        self._end_lane(save.conv, save.lane)
        self._touch(save.lid)

    @_write.register
    def _rewritten(self, save: SaveRewrite) -> None:
        self._db.execute("delete from rewrite where lid = ?", (save.lid,))
        if save.rewrite is not None:
            self._db.execute(
                "insert into rewrite (lid, data) values (?, ?)", (save.lid, msgspec.json.encode(save.rewrite))
            )
        self._touch(save.lid)

    @_write.register
    def _requeued(self, save: SaveRequeued) -> None:
        assert self.me is not None
        self._erase_recalled()
        found = self._db.execute(
            "select dg, content, media, at_ms from bubble where lid = ? and mine = 1", (save.lid,)
        ).fetchone()
        if found is None:
            return
        self._db.execute(
            """update bubble set pos = ?, place = ?, ts = 0, lost = 0, did = ?, n = ?, pd = ?, state = ?, code = ''
            where lid = ?""",
            (NOWHERE, NOWHERE, self.me.did, save.n, save.pd, State.QUEUED, save.lid),
        )
        dg, content, media, at_ms = found
        self._queue(save.lid, save.conv, save.n, save.pd, dg, content, media, at_ms)
        self._end_lane(save.conv, save.lane)
        self._touch(save.lid)

    def _queue(
        self, lid: Lid, conv: ConvId, n: int, pd: str, dg: str, content: bytes, media: str, first_ms: int
    ) -> None:
        self._db.execute(
            """insert or replace into outbox (lid, conv, n, pd, dg, bytes, media, wish, parked, first_ms)
            values (?, ?, ?, ?, ?, ?, ?, 'send', 0, ?)""",
            (lid, conv, n, pd, dg, content, media, first_ms),
        )

    def _end_lane(self, conv: ConvId, lane: Lane) -> None:
        self._db.execute(
            """insert into chat (conv, lane_n, lane_dg, seen_last) values (?, ?, ?, ?)
            on conflict (conv) do update set lane_n = excluded.lane_n, lane_dg = excluded.lane_dg,
            seen_last = max(seen_last, excluded.seen_last)""",
            (conv, lane.n, lane.dg, lane.seen_last),
        )

    # ---------------------------------------------------------------------------------- T4: what arrived

    @_write.register
    def _arrived(self, save: SaveArrived) -> None:
        self._db.execute(
            """insert into chat (conv, cursor, head) values (?, ?, ?) on conflict (conv) do update set
            cursor = max(cursor, excluded.cursor), head = max(head, excluded.head)""",
            (save.conv, save.cursor, save.head),
        )
        if save.away is not None or save.thin:
            self._db.execute(
                "update chat set away = coalesce(?, away), thin = max(thin, ?) where conv = ?",
                (save.away, save.thin, save.conv),
            )
        if save.members is not None or save.form or save.title is not None:
            self._describe(save)
        own = {(event.did, event.dg) for _, event, _ in save.settled}
        self._settle([_settling(lid, save.conv, event, state) for lid, event, state in save.settled])
        self._keep(save.conv, [event for event in save.events if (event.did, event.dg) not in own])
        self._db.executemany(
            "insert or replace into gap (conv, a, b, why) values (?, ?, ?, ?)",
            _gap_rows(save.conv, save.gaps),
        )

    @_write.register
    def _older(self, save: SaveOlder) -> None:
        """History takes the place of its gap. New bubbles change nothing that is on a screen: a page brings them."""
        first_new = self._db.execute("select max(lid) + 1 from bubble where lid >= ?", (HEARD_LID,)).fetchone()[0]
        place = (save.conv, OLDER, save.last, save.first)
        cut = self._db.execute(
            "delete from gap where conv = ? and why = ? and a <= ? and b >= ? returning a, b", place
        ).fetchall()
        rests = [Gap(a, save.first - 1, OLDER) for a, _ in cut if a < save.first]
        rests += [Gap(save.last + 1, b, OLDER) for _, b in cut if b > save.last]
        self._db.executemany(
            "insert or replace into gap (conv, a, b, why) values (?, ?, ?, ?)",
            _gap_rows(save.conv, (*rests, *save.gaps)),
        )
        self._keep(save.conv, save.events)
        self._erase_recalled()
        for lid in [lid for lid in self._touched if lid >= (first_new or HEARD_LID)]:
            del self._touched[lid]

    def _keep(self, conv: ConvId, events: Sequence[Event]) -> None:
        """All at once. If we stumble, one by one: one goes to quarantine, and what is behind it is kept (P-81)."""
        if not events:
            return
        touched = dict(self._touched)
        self._db.execute("savepoint these")
        try:
            self._events(conv, events)
        except Exception as error:
            if not is_poison(error):
                raise
            self._db.execute("rollback to these")
            self._touched = touched
            if len(events) == 1:
                log.exception("! position %d of a conversation is kept unread", events[0].pos)
                self._quarantine(conv, events[0])
            else:
                for event in events:
                    self._keep(conv, (event,))
        self._db.execute("release these")

    def _events(self, conv: ConvId, events: Sequence[Event]) -> None:
        keys = msgspec.json.encode([(event.did, event.dg) for event in events]).decode()
        found = self._db.execute(KNOWN, {"conv": conv, "keys": keys})
        self._here, self._echoes = {(did, dg): (lid, mine) for did, dg, lid, mine in found}, []
        for event in events:
            self._event(conv, event)
        self._settle(self._echoes)

    def _quarantine(self, conv: ConvId, event: Event) -> None:
        """The event as it came, and a place on the screen that says so; nothing of it is looked into."""
        row = self._db.execute(
            """insert into bubble (lid, conv, pos, place, uid, did, n, dg, ts, at_ms, kind, suite, content, state)
            select coalesce((select max(lid) + 1 from bubble where lid >= :first), :first), :conv, :pos, 2 * :pos, :uid,
            :did, :n, :dg, :ts, :ts, '', :suite, x'', :state where true on conflict do nothing returning lid""",
            {
                "first": HEARD_LID, "conv": conv, "pos": event.pos, "uid": event.uid, "did": event.did,
                "n": event.n, "dg": event.dg, "ts": event.ts, "suite": event.suite, "state": State.RECEIVED,
            },
        ).fetchone()  # fmt: skip
        if row is not None:
            self._raw(row[0], conv, event)
            self._touch(row[0])

    def _raw(self, lid: Lid, conv: ConvId, event: Event) -> None:
        self._db.execute(
            "insert into raw (lid, conv, pos, bytes) values (?, ?, ?, ?)",
            (lid, conv, event.pos, msgspec.json.encode(event)),
        )

    def _event(self, conv: ConvId, event: Event) -> None:
        """A message, or what the server said. The same digest again takes its new place (P-43, P-69)."""
        known = self._here.get((event.did, event.dg))
        if known is None:
            self._new_bubble(conv, event)
            return
        lid, mine = known
        if event.rel is not None:  # offered again to a restored server, it may point elsewhere
            self._db.execute("update bubble set rel_pos = ? where lid = ? and target <> ''", (event.rel.pos, lid))
        if not event.content:
            erase(self._db, lid)
        if event.rel is not None or not event.content:
            self._touch(lid)
            self._placed.append(lid)
        if mine:
            self._echoes.append(_settling(lid, conv, event, State.ACCEPTED))
        else:
            row = {"lid": lid, "conv": conv, "pos": event.pos, "ts": event.ts}
            self._db.execute(f"{PLACE} where lid = :lid", row)
            self._touch(lid)
            self._placed.append(lid)

    def _new_bubble(self, conv: ConvId, event: Event) -> None:
        mine = self.me is not None and event.uid == self.me.uid and event.did != SERVER_DID
        content = _bytes_of(event.content)
        kind, at_ms, rel, rel_pos, target = self._described(event, content, conv)
        state = reached(State.ACCEPTED, event.pos, *self._others_reach(conv)) if mine else State.RECEIVED
        row = self._db.execute(
            """insert into bubble (lid, conv, pos, place, uid, did, n, dg, ts, at_ms, mine, kind, suite, content,
            media, state, rel, rel_pos, target)
            select coalesce((select max(lid) + 1 from bubble where lid >= :first), :first),
            :conv, :pos, 2 * :pos, :uid, :did, :n, :dg, :ts, :at_ms, :mine, :kind, :suite, :content, :media, :state,
            :rel, :rel_pos, :target where true on conflict do nothing returning lid""",
            {
                "first": HEARD_LID, "conv": conv, "pos": event.pos, "uid": event.uid, "did": event.did,
                "n": event.n, "dg": event.dg, "ts": event.ts, "at_ms": at_ms, "mine": mine, "kind": kind,
                "suite": event.suite, "content": content, "media": _media_column(event.media), "state": state,
                "rel": rel, "rel_pos": rel_pos, "target": target,
            },
        ).fetchone()  # fmt: skip
        if row is None:
            return
        if not kind:
            self._raw(row[0], conv, event)
        if event.dg and event.did != SERVER_DID:
            self._here[event.did, event.dg] = (row[0], mine)
        self._touch(row[0])
        self._placed.append(row[0])

    def _described(self, event: Event, content: bytes, conv: ConvId) -> tuple[str, int, str, int, str]:
        """The kind of an event, empty for what cannot be read (P-81), its author's clock, and what it is about.

        A message without content was recalled before it came here; its `rel` names its own place, that of an edit of
        it another one (P-74).
        """
        if not event.content and event.did != SERVER_DID:
            stub = event.rel is None or event.rel == Relation("recall", event.pos)
            return RECALLED, event.ts, *change_columns(None if stub else event.rel, None)
        if event.suite != PLAIN:
            said = read_content(event.did, event.suite, content, event.uid, conv)
            return ("notice" if said else ""), event.ts, *change_columns(event.rel, None)
        try:
            inner = unpack(content, author=event.uid, conv=conv)
        except Problem:
            return "", event.ts, *change_columns(event.rel, None)
        return _kind_of(inner), inner.at_ms, *change_columns(event.rel, inner)

    def read_again(self) -> None:
        """What an older version could not read, and this one can, becomes what it is, where it stands (P-81)."""
        for lid, conv, data in self._db.execute("select lid, conv, bytes from raw order by lid").fetchall():
            self._db.execute("savepoint one")
            try:
                self._read_one_again(lid, conv, msgspec.json.decode(data, type=Event))
            except Exception as error:
                if not is_poison(error):
                    raise
                self._db.execute("rollback to one")
            self._db.execute("release one")
        self._erase_recalled()

    def _read_one_again(self, lid: Lid, conv: ConvId, event: Event) -> None:
        content = _bytes_of(event.content)
        kind, at_ms, rel, rel_pos, target = self._described(event, content, conv)
        if not kind:
            return
        self._db.execute(
            """update bubble set kind = ?, at_ms = ?, content = ?, media = ?, rel = ?, rel_pos = ?, target = ?
            where lid = ?""",
            (kind, at_ms, content, _media_column(event.media), rel, rel_pos, target, lid),
        )
        self._db.execute("delete from raw where lid = ?", (lid,))
        self._placed.append(lid)
        if kind == "notice":  # it may say who is here: the server is asked for the list
            self._db.execute("update chat set thin = 1 where conv = ? and form = 'group'", (conv,))

    def _kind(self, content: bytes, conv: ConvId) -> str:
        assert self.me is not None
        try:
            return _kind_of(unpack(content, author=self.me.uid, conv=conv))
        except Problem:
            return ""

    # --------------------------------------------------------------------------------------- the rest

    @_write.register
    def _upload(self, save: SaveUpload) -> None:
        assert self.me is not None
        upload = save.upload
        kind = upload.inspected.kind if upload.inspected else upload.kind
        self._db.execute(
            "insert or replace into upload (lid, conv, data) values (?, ?, ?)",
            (upload.lid, upload.conv, msgspec.json.encode(upload)),
        )
        self._db.execute(
            """insert into bubble (lid, conv, uid, did, at_ms, mine, kind, content, state, path, why)
            values (?, ?, ?, ?, ?, 1, ?, x'', ?, ?, ?) on conflict (lid) do update set kind = excluded.kind,
            why = excluded.why,
            n = iif(state = 11, 0, n), dg = iif(state = 11, '', dg), content = iif(state = 11, x'', content),
            code = iif(state = 11, '', code), state = iif(state = 11, excluded.state, state)""",
            (
                upload.lid, upload.conv, self.me.uid, self.me.did, upload.at_ms, kind, State.UPLOADING,
                upload.path, upload.inspected.why if upload.inspected else "",
            ),
        )  # fmt: skip
        self._touch(upload.lid)

    @_write.register
    def _fetch(self, save: SaveFetch) -> None:
        wanted = save.wanted
        self._db.execute(
            "insert or replace into fetch (lid, paused, data) values (?, ?, ?)",
            (wanted.lid, wanted.held, msgspec.json.encode(wanted)),
        )
        self._touch(wanted.lid)

    @_write.register
    def _fetch_gone(self, save: SaveFetchGone) -> None:
        self._db.execute("delete from fetch where lid = ?", (save.lid,))
        self._touch(save.lid)

    @_write.register
    def _fetched(self, save: SaveFetched) -> None:
        self._db.execute("delete from fetch where lid = ?", (save.lid,))
        self._db.execute(
            """update bubble set path = ?, code = ?, why = iif(? > 0, ?, why), fetched_ms = iif(? > 0, ?, fetched_ms)
            where lid = ?""",
            (save.path, save.code, save.at_ms, save.why, save.at_ms, save.at_ms, save.lid),
        )
        self._touch(save.lid)

    @_write.register
    def _heard(self, save: SaveHeard) -> None:
        self._db.execute("update bubble set heard = 1 where lid = ?", (save.lid,))
        self._touch(save.lid)

    @_write.register
    def _path(self, save: SavePath) -> None:
        self._db.execute("update bubble set path = ? where lid = ?", (save.path, save.lid))
        self._touch(save.lid)

    @_write.register
    def _dropped(self, save: SaveDropped) -> None:
        if (target := target_of(self._db, save.lid)) is not None:
            self._touch(target)
        for table in ("bubble", "upload", "fetch", "outbox", "trace", "rewrite"):
            self._db.execute(f"delete from {table} where lid = ?", (save.lid,))
        self._touched.pop(save.lid, None)

    @_write.register
    def _people(self, save: SavePeople) -> None:
        self._db.execute("delete from person")
        self._db.executemany(
            "insert or replace into person (uid, name) values (?, ?)",
            [(person.uid, person.name) for person in save.people],
        )

    @_write.register
    def _prefs(self, save: SavePrefs) -> None:
        self._db.execute("delete from setting where key = ?", (PREFS_WISH,))
        if save.wish is not None:
            text = msgspec.json.encode(save.wish).decode()
            self._db.execute("insert into setting (key, value) values (?, ?)", (PREFS_WISH, text))


def _settling(lid: Lid, conv: ConvId, event: Event, state: State) -> SaveSettled:
    """What an own event in the log says about the bubble that waited for it."""
    return SaveSettled(lid, conv, state, event.pos, event.ts, 0)


def _kind_of(content: Content) -> str:
    return str(type(content.body).__struct_config__.tag)


def _media_column(media: Sequence[MediaId]) -> str:
    return msgspec.json.encode(media).decode()


def _bytes_of(text: str) -> bytes:
    """The content bytes; none for what is not base64url, whose event is kept raw."""
    try:
        return from_text(text)
    except ValueError:
        return b""


def _gap_rows(conv: ConvId, gaps: Iterable[Gap]) -> list[tuple[ConvId, int, int, str]]:
    return [(conv, gap.first, gap.last, gap.why) for gap in gaps]
