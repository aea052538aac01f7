"""What a conversation is and who is in it, and what of it a restored server has lost (P-69)."""

from __future__ import annotations

from collections.abc import Sequence

from client.adapters.sqlite_pen import GROUP_REDRAWN_MAX, Pen
from client.core.effects import SaveArrived, SaveGeneration, SaveRead, SaveRoster
from client.core.model import NOWHERE, Member, State
from protocol.values import SERVER_DID, ConvId


class RoomsPen(Pen):
    """Writes form, title and members, how far we read, and the fall of a cursor."""

    def _describe(self, save: SaveArrived) -> None:
        self._db.execute(
            "update chat set form = coalesce(nullif(?, ''), form), title = coalesce(?, title) where conv = ?",
            (save.form, save.title, save.conv),
        )
        if save.members is not None:
            self._sit(save.conv, save.members)

    def _sit(self, conv: ConvId, members: Sequence[Member]) -> None:
        self._db.execute("delete from member where conv = ?", (conv,))
        self._db.executemany(
            "insert or replace into member (conv, uid, name, place, role) values (?, ?, ?, ?, ?)",
            [(conv, member.uid, member.name, place, member.role) for place, member in enumerate(members)],
        )
        if self._is_group(conv):
            self._touch_all(
                self._db.execute(
                    """select lid from bubble where conv = ? and pos < ? and mine = 1 and state in (3, 4, 5)
                    order by pos desc limit ?""",
                    (conv, NOWHERE, GROUP_REDRAWN_MAX),
                )
            )

    def _roster(self, save: SaveRoster) -> None:
        self._db.execute(
            """update chat set away = ?, thin = 0, form = coalesce(nullif(?, ''), form),
            title = coalesce(nullif(?, ''), title) where conv = ?""",
            (save.away, save.form, save.title, save.conv),
        )
        self._sit(save.conv, save.members)

    def _read(self, save: SaveRead) -> None:
        self._db.execute(
            """insert into chat (conv, read_upto) values (?, ?)
            on conflict (conv) do update set read_upto = max(read_upto, excluded.read_upto)""",
            (save.conv, save.upto),
        )

    def _generation(self, save: SaveGeneration) -> None:
        """P-69: messages above the new cursor keep their place on the screen and give up their claim to it.

        Whoever had them has to get them again: their ticks are gone, also for when they come back by another device,
        and nobody has read yet what will stand there.
        What the server itself had said there, it has not said any more: who is in such a group must be asked.
        """
        self._erase_recalled()
        self._db.execute("update me set gen = ?", (save.gen,))
        for conv, cursor in save.cursors:
            self._db.execute(
                "update chat set thin = 1, away = 0 where conv = ? and form = 'group' and cursor > ?", (conv, cursor)
            )
            self._db.execute(
                """update chat set cursor = min(cursor, :cursor), head = min(head, :cursor), rev = 0,
                read_upto = min(read_upto, :cursor), they_have = 0, they_read = 0, seen_last = 0, crowd = ''
                where conv = :conv""",
                {"conv": conv, "cursor": cursor},
            )
            self._db.execute("delete from mark where conv = ?", (conv,))
            self._db.execute("delete from reading where conv = ? and upto > ?", (conv, cursor))
            above = "conv = ? and pos > ? and pos < ?"
            place = (conv, cursor, NOWHERE)
            self._db.execute(f"delete from bubble where {above} and did = '{SERVER_DID}'", place)
            self._db.execute(f"update bubble set lost = 1 where {above}", place)
            ticks = f"state in ({State.STORED:d}, {State.DELIVERED:d}, {State.READ:d})"
            self._db.execute(
                f"update bubble set state = {State.ACCEPTED:d} where {above} and mine = 1 and {ticks}", place
            )
            self._db.execute("delete from gap where conv = ? and a > ?", (conv, cursor))
            self._db.execute("update gap set b = min(b, ?) where conv = ?", (cursor, conv))

    def _is_group(self, conv: ConvId) -> bool:
        row = self._db.execute("select form from chat where conv = ?", (conv,)).fetchone()
        return row is not None and row[0] == "group"
