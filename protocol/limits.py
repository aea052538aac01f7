"""Every number of the system: unit in the name, reason and source on the line."""

from __future__ import annotations

KIB, MIB, GIB = 1024, 1024**2, 1024**3

# --- carriage
FRAME_MAX_BYTES = 256 * KIB  # one WebSocket frame (P-10)
PACKETS_PER_FRAME_MAX = 64  # packets in one frame (P-10)
DEPTH_MAX = 16  # nesting of JSON (P-11)
PROTOCOL_OLDEST, PROTOCOL_NEWEST = 1, 1  # versions this build speaks (P-82)

# --- messages
CONTENT_MAX_BYTES = 64 * KIB  # content of a message; longer text becomes a file (P-78)
TEXT_MAX_CHARS = 8_000  # what one bubble may hold on the screen, ours
QUOTE_MAX_CHARS = 120  # what a reply repeats of the message it answers, ours
EMOJI_MAX_CHARS = 16  # one emoji with all its joiners, in code points, ours
NAME_MAX_CHARS = 64  # a person's or a group's name, ours
MEDIA_PER_MESSAGE_MAX = 10  # files in one message (an album), ours
ALBUM_ID_MAX_CHARS = 22  # 128 random bits in base64url: what its messages have in common, ours
MEMBERS_MAX = 500  # people in one conversation (P-71)

# --- windows
UNANSWERED_MAX = 64  # msg:R without an answer in one session (P-79)
UNANSWERED_MAX_BYTES = 256 * KIB  # their content (P-79)
OUTBOX_MAX_ROWS = 10_000  # waiting messages of one device (P-79)
PUSH_MAX_EVENTS = 256  # pushed and not acknowledged, one conversation and device (P-45)
PUSH_MAX_BYTES = MIB  # the same in bytes (P-45)
PAGE_EVENTS = 256  # events in one frame of a pull (P-46), also cut by FRAME_MAX_BYTES
UNREADABLE_AFTER, UNREADABLE_WITHIN_S = 5, 3600.0  # sessions that got the same and never acknowledged it (P-81)
PAGES_AT_ONCE, PAGES_ASKED_MAX = 16, 64  # the server reads for all connections; one connection waits for, ours
BACKLOG_MAX_BYTES = 128 * MIB  # unread by all together; each has its share of it, then its pages wait, ours (P-80)
UNSENT_MAX_BYTES = MIB  # bytes a slow reader may leave unread … (P-80)
UNSENT_MAX_S = 10.0  # … for this long
STATUS_KEYS_MAX = 64  # messages in one status:R, ours

# --- the QoS clock: did this message arrive?
LADDER_WAITS_S = (10.0, 30.0, 60.0, 10.0)  # pauses after each try; then ask (P-54)
ASK_WAITS_S = (10.0,)  # the other mode: one try, then ask (P-54)
STORED_AFTER_S = 5.0  # forged ack:N while nobody has it (P-51); below the first 10 s
ACK_JOIN_S = 0.1  # ack:R are joined for so long … (P-44)
ACK_JOIN_EVENTS = 64  # … or for so many events
READ_JOIN_S = 1.0  # read:R are joined (P-73)
HEADS_EVERY_S = 60.0  # poll that makes lost doorbells harmless (P-46)
HEADS_SPREAD = 0.2  # ± share of it (P-46)
ANSWER_WAIT_S = 10.0  # a pull, an ack:R or a read:R without its answer is said again, ours
PULLS_AT_ONCE = 8  # offline:R without an answer, all conversations together, ours
STATUS_WAIT_S = 3.0  # how long the dialog waits for the server's word (P-57)
SILENT_MAX_S = 7 * 24 * 3600.0  # older than this is asked about, never sent silently (P-58)
MARKS_MEMBERS_MAX = 32  # in a larger conversation marks are counts (P-52) …
CROWD_JOIN_S, CROWD_STEPS_MAX = 0.5, 64  # … joined for so long, in at most so many steps (P-52)
MARKS_DELAY_MIN_S, MARKS_DELAY_MAX_S = 0.2, 0.5  # true ack:N are spread, so that they tell no habits (P-52)
BUSY_RETRY_MS = 1_000  # what a busy server asks for, ours (P-26)

# --- the line clock: is the line alive?
PING_EVERY_MIN_S, PING_EVERY_MAX_S, PING_STEP_S = 30.0, 240.0, 30.0  # T and how it learns (P-15)
PING_GOOD_ROUNDS = 3  # quiet rounds before T grows, ours
PING_STEP_BACK_S = 10.0  # after an idle death: last good T less this
PING_FORGET_ROUNDS = 200  # quiet rounds after which an idle death is forgotten, and T may grow again, ours
NETWORKS_MAX = 32  # networks whose T is remembered, the latest ones, ours
PROGRESS_EVERY_S = 2.0  # a frame that takes longer is told as life so often, to both sides, ours (P-15)
PONG_WAIT_S = 10.0  # then the line is dead (P-15)
PONG_WAIT_BUSY_S = 5.0  # with something unanswered for so long: ping now, and wait so long (P-15)
PONG_WAIT_WAKE_S = 3.0  # after sleep or a change of network (P-15)
SERVER_SILENCE_FACTOR = 2.5  # × announced T, then the server ends the session (P-15)
HELLO_WAIT_S = 10.0  # a connection that says nothing is closed, ours (SEC-19)
RECONNECT_MAX_S = 60.0  # ceiling of the wait before calling again (P-16)
RECONNECT_CALM_S = 60.0  # ready for so long: the ceiling starts small again (P-16)

# --- media
FILE_MAX_BYTES = 512 * MIB  # one file (SEC-25)
UPLOAD_PART_BYTES = 4 * MIB  # one PATCH, ours
UPLOADS_AT_ONCE, DOWNLOADS_AT_ONCE = 2, 3  # (P-79)
PERSON_MAX_BYTES = 5 * GIB  # one person's files on the server, promised ones too (SEC-25)
DISK_KEEP_FREE_SHARE, DISK_KEEP_FREE_BYTES = 0.1, 5 * GIB  # of the server's disk stay free, the smaller one (SEC-25)
UPLOADS_OPEN_MAX = 16  # of one device that bring bytes at the same moment, ours (SEC-25)
UPLOAD_METADATA_MAX_CHARS = 2_048  # what a client may say about a file; kept until it is whole, ours
UPLOAD_KEEP_S = 24 * 3600.0  # unfinished, or finished and never named (P-75)
PREVIEW_MAX_BYTES = 12 * KIB  # the picture inside the message
PREVIEW_SIDE_PX = 320  # its long side: a picture one recognises
WAVEFORM_BINS, WAVEFORM_BITS = 100, 5  # what is drawn of a voice note, in 63 bytes
DOWNLOAD_PART_BYTES = 256 * KIB  # one read from the wire, ours

# --- joining
INVITE_BITS = 128  # (SEC-5)
INVITE_KEEP_S = 24 * 3600.0  # (SEC-5)
TOKEN_BITS = 256  # (SEC-7)

DEVICES_MAX = 10  # of one person (P-62)
DEVICE_CODE_KEEP_S = 600.0  # a code for another device of the same person, ours
REPLACED_MAX, REPLACED_WITHIN_S = 3, 60.0  # more replacements of one device are a copied profile (P-14)
UNSEEN_MAX_S = 30 * 24 * 3600.0  # away for longer: not pushed to until it pulls (P-48)
REMOVED_LOOK_S = 4.0  # a removed device's session ends within five seconds (P-62, SEC-9)

# --- how much one device may ask; an operator can set it (P-26, SEC-24)
MESSAGES_PER_S, MESSAGES_BURST = 60.0, 2_000.0  # a second of a full window, for ever; a day's outbox at once, ours
QUESTIONS_PER_S, QUESTIONS_BURST = 5.0, 200.0  # about people, groups, presence and who writes, ours
UPLOAD_EVERY_S, UPLOAD_BURST = 1.2, 50.0  # promises of files: 50 at once, then one each 1.2 s (SEC-24)
UPLOAD_DAY_BYTES = GIB  # of files in a day (SEC-24)
JOIN_FAILURES_PER_S, JOIN_FAILURES_BURST = 1 / 3, 20.0  # wrong invites from one address: 20 a minute (SEC-4)
RETRY_EACH_MS = 5  # a server that stops asks its clients to come back one after another, ours (P-80)

# --- hints: kept nowhere, told to few
TYPING_SAY_S = 3.0  # what somebody does is said again so often while it lasts, ours
TYPING_HOLD_S = 6.0  # and believed for so long, ours
TYPING_EVERY_S = 2.0  # one session's word about one conversation is relayed at most so often, ours
HINTS_MEMBERS_MAX = 32  # in a larger conversation nobody is told who writes; as for marks (P-52)
WATCHED_MAX = 200  # people that one session watches, ours
PRESENCE_JOIN_S = 1.0  # who came and went within it is where they were, ours
SEEN_EVERY_S = 60.0  # a session that goes on is noted so often as seen, ours

# --- the screen
SCREEN_BATCH_S = 0.033  # changes are gathered for one frame at 30 Hz
