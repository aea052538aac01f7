"""Everything we foresee going wrong: a stable code, and a sentence for the person that says what to do.

`code` goes over the wire and into the log; `said` is the English sentence and the key of its translations
(`resources/words`); neither ever contains a path or a trace. `facts` fill the places in braces.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar


class Problem(Exception):
    """Something we foresaw."""

    code: ClassVar[str] = "problem"
    said: ClassVar[str] = "Something went wrong. Nothing you wrote was lost."
    can_retry: ClassVar[bool] = False

    def __init__(self, **facts: object) -> None:
        super().__init__(self.code, facts)
        self.facts = facts

    def for_person(self, translate: Callable[[str], str] = str) -> str:
        """The sentence in the person's language, with its facts; a fact we lack is shown as …"""
        return translate(self.said).format_map(_Facts(self.facts))


class _Facts(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "…"


# --- the message
class ContentTooLarge(Problem):
    code = "content_too_large"
    said = "This text is too long for one message ({size_kb} KB, at most {limit_kb} KB). Send it as a file."


class TextTooLong(Problem):
    code = "text_too_long"
    said = "This text has {size_chars} characters; one message holds {limit_chars}. Shorten it, or send it as a file."


class TextEmpty(Problem):
    code = "text_empty"
    said = "There is nothing to send yet. Write something first."


class ContentUnreadable(Problem):
    code = "content_unreadable"
    said = "This message is not shown by this version. Update Hexagram to read it; it is kept."


class ContentMismatch(Problem):
    code = "content_mismatch"
    said = "The server delivered this message under another name than it was written. It is not shown."


class OutboxFull(Problem):
    code = "outbox_full"
    said = "{limit} messages are already waiting. Wait until some are sent, then write again."
    can_retry = True


class UnknownConversation(Problem):
    code = "unknown_conversation"
    said = "This conversation does not exist here, or you are not a member of it."


class UnknownPerson(Problem):
    code = "unknown_person"
    said = "Nobody called “{name}” is on this server. Check the name, or invite them."


class UnknownMessage(Problem):
    code = "unknown_message"
    said = "This message is not on this device."


class NotPossibleNow(Problem):
    code = "not_possible_now"
    said = "That cannot be done with this message any more; look at its state."


class CancelTooLate(Problem):
    code = "cancel_too_late"
    said = "It was too late to cancel: the message was sent before."


class NotMember(Problem):
    code = "not_member"
    said = "You are not a member of this conversation any more. Your message was not sent."


class Blocked(Problem):
    code = "blocked"
    said = "This person does not accept messages from you. Your message was not sent."


class MembersTooMany(Problem):
    code = "members_too_many"
    said = "A group has at most {limit} members."


class GroupOnly(Problem):
    code = "group_only"
    said = "Only groups can be changed. Open a group with these people instead."


class NotAdministrator(Problem):
    code = "not_administrator"
    said = "Only who administers this group can do that. Ask one of them."


class LastAdministrator(Problem):
    code = "last_administrator"
    said = "Somebody must administer the group. Name another administrator first."


class RelationRefused(Problem):
    code = "relation_refused"
    said = "That message can no longer be changed. Your change was not sent."


class TargetGone(Problem):
    code = "target_gone"
    said = "The message this was about is not on the server any more. Your change was not sent."


class ServerInternal(Problem):
    code = "internal"
    said = "The server could not handle this message. It is kept here; send it again as a new one."


class NotConfirmedByServer(Problem):
    code = "not_confirmed_by_server"
    said = "The server did not answer. Your message is still here."
    can_retry = True


class BadFrame(Problem):
    code = "bad_frame"
    said = "The other side sent something that cannot be read. The line is opened again; nothing is lost."
    can_retry = True


class LineRefused(Problem):
    code = "line_refused"
    said = (
        "The server did not understand what this version said. Update Hexagram, then connect again; nothing was lost."
    )


class UnknownType(Problem):
    code = "unknown_type"
    said = "The server does not know this kind of request. Update the server."


class RateLimited(Problem):
    code = "rate"
    said = "Too much at once; it goes on by itself in a moment."
    can_retry = True


class Busy(Problem):
    code = "busy"
    said = "The server is busy; it goes on by itself in a moment."
    can_retry = True


# --- joining and the line
class InviteWrong(Problem):
    code = "invite_wrong"
    said = "This invite is not valid, was used already, or is too old. Ask for a new one."


class NameTaken(Problem):
    code = "name_taken"
    said = "Somebody here is already called “{name}”. Choose another name."


class NameInvalid(Problem):
    code = "name_invalid"
    said = "A name has 1 to {limit} characters, with no line breaks and no control characters."


class NotJoined(Problem):
    code = "not_joined"
    said = "This profile has not joined a server yet. Give a name and an invite code."


class ServerUnreachable(Problem):
    code = "server_unreachable"
    said = "The server at {address} does not answer. Messages wait here and go out by themselves."
    can_retry = True


class SignInAgain(Problem):
    code = "sign_in_again"
    said = (
        "This device is not signed in any more. Join again with a code from another device, or an invite; your "
        "history stays."
    )


class DevicesFull(Problem):
    code = "devices_full"
    said = "You have {limit} devices already. End one of them, then add this one."


class DeviceUnknown(Problem):
    code = "device_unknown"
    said = "That device is none of yours. Look at the list again."


class ProfileCopied(Problem):
    code = "profile_copied"
    said = "This profile was in use in two places at once, so the server ended it. Join again here; your history stays."


class ReplacedElsewhere(Problem):
    code = "replaced_elsewhere"
    said = "This profile is in use in another place. Close it there, then connect again here."


class ServerWentBack(Problem):
    code = "server_went_back"
    said = (
        "The server's data is older than what it told this device. Nothing is lost here; ask who runs it to "
        "“restore” a backup."
    )


class VersionUnknown(Problem):
    code = "version_unknown"
    said = "This version and the server's do not understand each other. Update the older of the two."


class AddressNotLoopback(Problem):
    code = "address_not_loopback"
    said = "Without encryption the server listens on this computer only. Use 127.0.0.1 or ::1 as its address."


class AddressInvalid(Problem):
    code = "address_invalid"
    said = "“{address}” is not an address. Write it like 127.0.0.1:8787."


class PortInUse(Problem):
    code = "port_in_use"
    said = "Port {port} is used by another program. Choose another one, or 0 for any free port."


# --- the data folder
class DataReadOnly(Problem):
    code = "data_read_only"
    said = "The data folder cannot be written to. Choose another folder, or allow writing there."


class DataNewer(Problem):
    code = "data_newer"
    said = (
        "This data was written by a newer version of Hexagram. Update, or choose another folder; nothing was changed."
    )


class DataCorrupt(Problem):
    code = "data_corrupt"
    said = (
        "The data file is damaged. It was left as it is; choose another folder. "
        "For a server, use “doctor”, then “restore”."
    )


class DataRebuilt(Problem):
    code = "data_rebuilt"
    said = (
        "The data file was damaged and is made anew, with {waiting} messages that still wait. "
        "The rest comes from the server."
    )


class DataIsBackup(Problem):
    code = "data_is_backup"
    said = "This data is a backup. Put it to use with the command “restore”; nothing was changed."


class DataPresent(Problem):
    code = "data_present"
    said = "There is data in this folder already. Choose an empty folder; nothing was changed."


class DataAbsent(Problem):
    code = "data_absent"
    said = "There is nothing of Hexagram in this folder that could be used. Check the path."


class DataInUse(Problem):
    code = "data_in_use"
    said = "This data folder is already in use by a running Hexagram."


class DiskFull(Problem):
    code = "disk_full"
    said = "The disk is full. Free some space; Hexagram goes on by itself, and nothing was lost."
    can_retry = True


class StoreFailed(Problem):
    code = "store_failed"
    said = "The data could not be saved. Hexagram tries again by itself; nothing is shown as sent before it is safe."
    can_retry = True


# --- media
class ServerFull(Problem):
    code = "server_full"
    said = "The server has no room left. It goes on by itself once there is some; nothing was lost."
    can_retry = True


class MediaVanished(Problem):
    code = "media_vanished"
    said = "“{name}” is no longer on the disk. Choose the file again."


class MediaUnreadable(Problem):
    code = "media_unreadable"
    said = "“{name}” cannot be opened. Check that you may read it, then choose it again."


class MediaIsFolder(Problem):
    code = "media_is_folder"
    said = "“{name}” is a folder. Pack it as a zip file, then send that."


class MediaEmpty(Problem):
    code = "media_empty"
    said = "“{name}” is empty. There is nothing to send."


class MediaTooLarge(Problem):
    code = "media_too_large"
    said = "This file is {size_mb} MB; at most {limit_mb} MB can be sent."


class SaveFailed(Problem):
    code = "save_failed"
    said = "It could not be saved there. Choose another folder."


class MediaChanged(Problem):
    code = "media_changed"
    said = "“{name}” was changed while it was sent. Send it again."


class MediaUnknown(Problem):
    code = "media_unknown"
    said = "This file is no longer on the server. Ask for it to be sent again."


class MediaMissing(Problem):
    code = "media_missing"
    said = "The file of this message is not on the server. Send it again as a new message."


class MediaDamaged(Problem):
    code = "media_damaged"
    said = "The file arrived damaged and was not kept. Try again."
    can_retry = True


class MediaOffset(Problem):
    code = "media_offset"
    said = "The upload goes on from where the server is."
    can_retry = True


class UploadChecksum(Problem):
    code = "upload_checksum"
    said = "A part of the file arrived damaged and was not kept. It is sent again by itself."
    can_retry = True


class UploadExpired(Problem):
    code = "upload_expired"
    said = "This upload stood still for too long, and the server let it go. It begins again by itself."
    can_retry = True


class UploadsMany(Problem):
    code = "uploads_many"
    said = "Too many files at once; this one goes on by itself in a moment."
    can_retry = True


class UploadsToday(Problem):
    code = "uploads_today"
    said = "This device has sent as much as the server takes in a day. It goes on by itself later."
    can_retry = True


class PersonFull(Problem):
    code = "person_full"
    said = (
        "Your files fill the {limit_mb} MB that this server gives one person. Recall some of them, then send it again."
    )


class TransferInterrupted(Problem):
    code = "transfer_interrupted"
    said = "The transfer was interrupted. It goes on by itself."
    can_retry = True


class WorkerFailed(Problem):
    code = "worker_failed"
    said = "No preview could be made of “{name}”. It is sent as a plain file."


class MediaNotAsSaid(Problem):
    code = "media_not_as_said"
    said = "This is not what it was said to be. It can be saved as a file."


class MediaTooBigToShow(Problem):
    code = "media_too_big_to_show"
    said = "It is too large or too long to be shown here. It can be saved as a file."


class MediaUnsafe(Problem):
    code = "media_unsafe"
    said = "It was made to be more than it seems, so it is not shown. Save it only if you trust who sent it."


class MediaNotShown(Problem):
    code = "media_not_shown"
    said = "It is damaged, or in a format that is not shown here. It can be saved as a file."


class CannotMakeSmaller(Problem):
    code = "cannot_make_smaller"
    said = "“{name}” cannot be made smaller. Send it as it is."


class FfmpegMissing(Problem):
    code = "ffmpeg_missing"
    said = "This needs ffmpeg, which is not on this computer. Install it, or send the file as it is."


class CannotJoin(Problem):
    code = "cannot_join"
    said = "The parts of this recording could not be put together. They are kept."


# --- harness and devices
class WishInvalid(Problem):
    code = "wish_invalid"
    said = "This line is not a wish that I know: {why}."


class MicrophoneMissing(Problem):
    code = "microphone_missing"
    said = "No microphone was found. Plug one in, or allow Hexagram to use it."


class CameraMissing(Problem):
    code = "camera_missing"
    said = "No camera was found. Plug one in, or allow Hexagram to use it."


class PlaybackFailed(Problem):
    code = "playback_failed"
    said = "This file cannot be played here. Save it, and open it with another program."


BY_CODE: dict[str, type[Problem]] = {kind.code: kind for kind in Problem.__subclasses__()}


def problem(code: str, **facts: object) -> Problem:
    """The problem that a code on the wire means; a code of a newer version becomes the general sentence."""
    return BY_CODE.get(code, Problem)(**facts)
