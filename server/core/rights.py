"""May this person do that? The one place that decides; the default is no (SEC-20)."""

from __future__ import annotations

from enum import Enum

from protocol.packets import Relation
from protocol.values import Uid, Value

EDIT_MAX_MS = 24 * 3600 * 1000  # how long one's own message can be changed (P-74)
EDITS_MAX = 20  # how often (P-74)
ADMINISTRATOR = 1  # role of a member


class Action(Enum):
    """What can be asked of a conversation or a file."""

    SEND = "send"
    PULL = "pull"
    ACKNOWLEDGE = "acknowledge"
    UPLOAD = "upload"
    FETCH = "fetch"
    CONTINUE = "continue"
    END = "end"
    TABLE = "table"


class Standing(Value, frozen=True):
    """How a person stands to a conversation, as the store found it.

    `spans` are the (join, leave) positions, leave 0 while the person is still there; `blocked` means that the other
    person of a direct conversation does not want to hear (P-70); `tells` that the person tells others, and is told,
    what was read (P-73). `rev` is where the marks stood at the leave: later ones are not for who left (P-52).
    """

    spans: tuple[tuple[int, int], ...] = ()
    role: int = 0
    blocked: bool = False
    tells: bool = True
    rev: int | None = None

    @property
    def current(self) -> bool:
        """Whether the person is a member now."""
        return bool(self.spans) and self.spans[-1][1] == 0

    def sees(self, pos: int) -> bool:
        """Whether a position lies between a join and the following leave, both included (P-70)."""
        return any(since <= pos and (until == 0 or pos <= until) for since, until in self.spans)

    def head(self, head: int) -> int:
        """The last position that this person may see, where the conversation stands at `head`."""
        if not self.spans:
            return 0
        return self.spans[-1][1] or head


class File(Value, frozen=True):
    """How a person stands to an uploaded file (SEC-21)."""

    owner: bool
    seen: bool


class OnItsWay(Value, frozen=True):
    """How a device stands to an upload: only the one that promised it goes on with it, or ends it (P-75)."""

    mine: bool


class Target(Value, frozen=True):
    """The message that an edit, a recall or a reaction points at, as the store found it.

    `plain` says that it is a message of its own: no edit, recall or reaction itself, and not recalled.
    """

    author: Uid
    age_ms: int
    edits: int
    visible: bool
    plain: bool = True


NOBODY = Standing()


def may(action: Action, thing: Standing | File | OnItsWay) -> str:
    """Return the code of the refusal, or an empty text: go ahead."""
    if isinstance(thing, File):
        return "" if action is Action.FETCH and (thing.owner or thing.seen) else "media_unknown"
    if isinstance(thing, OnItsWay):
        return "" if action in (Action.CONTINUE, Action.END) and thing.mine else "media_unknown"
    return _in_conversation(action, thing) if thing.spans else "unknown_conversation"


def _in_conversation(action: Action, standing: Standing) -> str:
    """For somebody who is or was a member: reading ends with the leave, but is not taken back (P-70)."""
    if action in (Action.PULL, Action.ACKNOWLEDGE):
        return ""
    if action not in (Action.SEND, Action.UPLOAD, Action.TABLE):
        return "unknown_conversation"
    if not standing.current:
        return "not_member"
    if action is Action.TABLE:
        return ""
    return "blocked" if standing.blocked else ""


def may_relate(rel: Relation, author: Uid, standing: Standing, target: Target | None) -> str:
    """Whether a change of a message may be taken; the code of the refusal, or an empty text (P-74)."""
    if target is None or not target.visible or not target.plain:
        return "relation_refused"
    if rel.kind == "react":
        allowed = True
    elif rel.kind == "recall":
        allowed = target.author == author or standing.role >= ADMINISTRATOR
    else:
        allowed = target.author == author and target.age_ms <= EDIT_MAX_MS and target.edits < EDITS_MAX
    return "" if allowed else "relation_refused"


def may_change(what: str, standing: Standing, form: str) -> str:
    """Whether somebody may do this to a group; the code of the refusal, or an empty text (P-59, P-70).

    Every member may add, rename and leave; removing and roles are for who administers.
    """
    if not standing.spans:
        return "unknown_conversation"
    if form != "group":
        return "group_only"
    if not standing.current:
        return "not_member"
    if what in ("add", "rename", "leave"):
        return ""
    return "" if what in ("remove", "role") and standing.role >= ADMINISTRATOR else "not_administrator"
