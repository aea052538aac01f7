"""One seed, one story: people, weather, what they do; then the weather clears and everything must settle."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Literal, TypeAlias

from client.core.events import ChangeGroup, Dial, Open, Quit, ReadUpto, Woken
from client.core.model import Me
from protocol.ladder import Ladder
from protocol.packets import OpenR
from protocol.values import ConvId, Did, Digest, Lid, Uid
from server.core.values import Identity
from tests.simulation.clients import BLANK, Client, Disk
from tests.simulation.network import Network
from tests.simulation.oracle import NEEDS_YOU, NOWHERE, Oracle
from tests.simulation.patience import Endless, patience
from tests.simulation.servers import Server, ServerDisk
from tests.simulation.weather import FINE, Plan, Weather, anybody_falls, draw_plan, draw_weather
from tests.simulation.world import Violation, World

NAMES = ("alice", "bob", "carol", "dave")
SETTLE_S, SETTLE_STEP_S = 480.0, 20.0
READS_S = 30.0
DEAF = Weather(no_bell=0.5)
QUIET_S, QUIET_FRAMES = 100.0, 16  # frames of a device
CONVS_MAX = 6


@dataclass(frozen=True)
class Report:
    """What a schedule was made of. `counts` are faults, crash points, deeds and checks by name."""

    seed: int
    composed: int
    accepted: int
    frames: int
    steps: int
    simulated_s: float
    counts: dict[str, int]
    trace: tuple[str, ...] = ()


class Failed(AssertionError):
    """A schedule broke a promise; the seed is the whole bug report."""

    def __init__(self, seed: int, what: str, trace: list[str]) -> None:
        super().__init__(f"seed={seed}: {what}")
        self.seed, self.what, self.trace = seed, what, trace


class Device:
    """An installation: a disk that outlives the runs of the program on it, and an old copy of it."""

    def __init__(self, story: Story, me: Me) -> None:
        self.me, self._story = me, story
        self.disk = Disk(BLANK)
        self.disk.is_mine(me)
        story.oracle.watches(self.disk, me.uid, me.did)
        self.backup: bytes | None = None
        self.client: Client | None = None
        self.away_s = 0.0

    def start(self) -> None:
        """The program starts, if it is not running."""
        if self.client is None or not self.client.alive:
            story, name = self._story, f"{self.me.name}/{self.me.did}"
            fell = partial(story.fell, self)
            self.client = Client(story.network, story.oracle, self.disk, name, story.ladder, fell)

    def stop(self, how: str) -> None:
        """The program ends, one way or another."""
        if self.client is not None and self.client.alive:
            self.client.die(how)

    def restore(self) -> None:
        """The profile is replaced by the old copy of it (P-65)."""
        assert self.backup is not None
        self._story.world.count("fault:client restored from a backup")
        self.stop("restored")
        skew_ms = self.disk.skew_ms
        self.disk = Disk(self.backup)
        self.disk.skew_ms = skew_ms
        self._story.oracle.watches(self.disk, self.me.uid, self.me.did)

    @property
    def up(self) -> Client | None:
        """The running program, if its core knows who it is."""
        return self.client if self.client is not None and self.client.alive and self.client.me else None


Deed: TypeAlias = Callable[[Device, Client], None]


class Story:
    """Everything of one seed."""

    def __init__(
        self, seed: int, *, weather: Weather | None = None, plan: Plan | None = None, trace: bool = False
    ) -> None:
        self.world = World(seed, trace=trace)
        self.dice = self.world.dice
        self.network = Network(self.world)
        drawn_plan, drawn_weather = draw_plan(self.world), draw_weather(self.world)
        self.plan, self.weather = plan or drawn_plan, weather or drawn_weather
        self.ladder = Ladder("ask" if self.plan.ask_at_once else "ladder")
        self.server_disk = ServerDisk(self.network)
        self.oracle = Oracle(self.world, self.server_disk.db)
        self.devices: list[Device] = []
        self.pairs: list[tuple[ConvId, Uid]] = []
        self.foul = True
        self.falls = anybody_falls(self.weather)
        self.words = 0
        self._people()

    # --- the beginning

    def _people(self) -> None:
        people = NAMES[: self.plan.people]
        for place, name in enumerate(people):
            self.server_disk.add_person(Uid(name), name.title())
            devices = 2 if self.world.chance(self.plan.second_devices) else 1
            for number in range(devices):
                did, token = Did(str(100 * (place + 1) + number)), f"token-{name}-{number}"
                self.server_disk.add_device(Uid(name), did, token)
                self.devices.append(Device(self, Me(Uid(name), did, name.title(), token, "http://server")))
        pairs = [(one, other) for one in people for other in people if one < other]
        for pair in self.dice.sample(pairs, self.dice.randint(1, len(pairs))):
            self._open(pair, "direct")
        self._open(people, "group")

    def _open(self, people: tuple[str, ...], kind: str) -> None:
        first = next(device.me for device in self.devices if device.me.uid == people[0])
        others = tuple(Uid(name) for name in people[1:])
        x = self.dice.randbytes(8).hex()
        wish = OpenR(x, others, "direct" if kind == "direct" else "group", "" if kind == "direct" else "All")
        conv = self.server_disk.open(Identity(first.uid, first.did, first.name), wish)
        self.oracle.server_disk()
        if kind == "direct":
            self.pairs.append((conv, Uid(people[0])))

    # --- the story

    def run(self) -> Report:
        """Fine weather to begin with, foul weather, fine weather; raises Violation."""
        world = self.world
        self.start_server()
        for device in self.devices:
            world.later(self.dice.uniform(0, 5), device.start)
        world.run_until(world.now_s + self.dice.choice((0.0, 10.0)))
        self.network.weather = self.weather
        self._begin_to_live()
        world.run_until(world.now_s + self.plan.weather_s)
        self._clear()
        return self._report()

    def _begin_to_live(self) -> None:
        """Everybody does something now and then, while the weather is foul; the world looks after the dead."""
        plan, weather = self.plan, self.weather
        for device in self.devices:
            self._often(plan.rate, lambda device=device: self._act(device))
        self._often(plan.block_rate, self._block_somebody)
        self._often(plan.trim_rate, self._trim)
        self._often(plan.restart_rate * self.falls, self._restart_server)
        self._often(weather.clock_rate, self._set_a_clock)
        self._often(weather.stall_rate, self._stall_somebody)
        if weather.rollback_rate:
            self.world.later(self.dice.uniform(0.0, plan.weather_s / 2), self.server_disk.back_up)
            self._often(weather.rollback_rate, self._restore_server)

    def _often(self, rate: float, do: object) -> None:
        assert callable(do)
        if rate <= 0:
            return

        def again() -> None:
            if self.foul:
                do()
                self._often(rate, do)

        self.world.later(self.dice.expovariate(rate), again)

    # --- falling and getting up

    def fell(self, device: Device, how: str) -> None:
        """Who is down comes back after 0.1 to 40 s, sometimes with an older disk; who went away, when it wants."""
        if how == "crash":
            self.world.count("fault:client killed")
        if not self.foul:  # who wanted to go before, and stalled
            self.world.later(1.0, device.start)
            return
        away_s = device.away_s or self.dice.choice((0.1, 1, 5, 40)) * self.dice.uniform(0.1, 1)
        device.away_s = 0.0
        self.world.later(away_s, lambda: self._rise(device))

    def _rise(self, device: Device) -> None:
        if not self.foul or (device.client is not None and device.client.alive):
            return
        if device.backup is not None and self.world.chance(0.5):
            device.restore()
        device.start()

    def start_server(self) -> None:
        """The server's process begins."""
        if self.network.server is None:
            Server(self.network, self.oracle, self.server_disk, self.server_fell)

    def server_fell(self, how: str) -> None:
        """It comes back after a moment, or ten."""
        self.world.count("fault:server killed" if how == "crash" else f"fault:server ended: {how}")
        self.world.later(self.dice.expovariate(1.0), self.start_server)

    def _restart_server(self) -> None:
        if self.network.server is not None:
            self.network.server.die("restart")

    def _restore_server(self) -> None:
        """An old copy of the server's data is put back (P-68)."""
        if self.server_disk.backup is None:
            return
        self.world.count("fault:server restored")
        server = self.network.server
        if server is not None:
            server.die("restored")
        self.network.generation += 1
        self.oracle.server_restored(self.server_disk.restore())

    def _set_a_clock(self) -> None:
        """Somebody's wall clock is set, by seconds or by years; it orders and expires nothing (P-77)."""
        self.world.count("fault:wall clock set")
        year_ms = 365 * 86_400_000
        wrong_ms = self.dice.choice((1_000, 60_000, 3_600_000, year_ms, 10 * year_ms))
        skew_ms = wrong_ms * self.dice.choice((-1, 0, 1))
        place = self.dice.randrange(len(self.devices) + 1)
        disk = self.server_disk if place == len(self.devices) else self.devices[place].disk
        disk.skew_ms = skew_ms

    def _stall_somebody(self) -> None:
        """A process does not get on for a while, and its monotonic clock has gone on (F-29)."""
        place = self.dice.randrange(len(self.devices) + 1)
        process = self.network.server if place == len(self.devices) else self.devices[place].client
        if process is not None and process.alive:
            self.world.count("fault:process stalled")
            process.stall(self.dice.choice((1.0, 10.0, 60.0, 300.0)) * self.dice.random())

    def _trim(self) -> None:
        """An operator keeps less of the log (P-84)."""
        if self.network.server is not None:
            self.network.server.trim(self.dice.choice((1, 5, 50)))

    # --- what people do

    def _act(self, device: Device) -> None:
        """One thing a person, or the world, does to a running program; some of it only where anything may fall."""
        client = device.up
        if client is None:
            return
        deeds = [(share, deed) for share, deed, falls in self.deeds if self.falls or not falls]
        roll = self.dice.random() * sum(share for share, _ in deeds)
        for share, deed in deeds:
            roll -= share
            if roll < 0:
                deed(device, client)
                return

    @cached_property
    def deeds(self) -> tuple[tuple[float, Deed, bool], ...]:
        """How often, what, and whether somebody falls by it."""
        plan = self.plan
        return (
            (45, lambda device, client: self._say(device, client, 1), False),
            (plan.burst_share, lambda device, client: self._say(device, client, self.dice.choice(plan.bursts)), False),
            (13, self._cancel_some, False),
            (12, self._read_some, False),
            (4, self._answer_questions, False),
            (3, lambda device, client: client.runner.post(Woken()), False),
            (3, lambda device, client: client.runner.post(Dial()), False),
            (2, self._open_another, False),
            (plan.groups_change, self._change_group, False),
            (plan.relate, self._relate, False),
            (plan.poison, self._poison, False),
            (plan.media, self._show_a_file, False),
            (3 * plan.restores, self._back_up, True),
            (plan.restores, self._restore, True),
            (3, self._go_away, True),
            (2, self._begin_twin, True),
        )

    def _back_up(self, device: Device, client: Client) -> None:
        device.backup = device.disk.copy()

    def _restore(self, device: Device, client: Client) -> None:
        if device.backup is not None:
            device.restore()

    def _open_another(self, device: Device, client: Client) -> None:
        """A new group, asked for on the line; sometimes the same question twice."""
        others = tuple({Uid(one.me.uid): None for one in self.devices if one.me.uid != device.me.uid})
        if len(self.oracle.convs_of(device.me.uid)) < CONVS_MAX:
            self.world.count("deed:group opened")
            wish = Open(self.dice.randbytes(11).hex(), others[: self.dice.randint(1, len(others))], "group", "More")
            for _ in range(self.dice.randint(1, 2)):
                client.wish(wish)

    def _change_group(self, device: Device, client: Client) -> None:
        """Somebody comes, somebody goes; sometimes the same wish twice (P-70)."""
        groups = self.oracle.groups_of(device.me.uid)
        if not groups:
            return
        conv = self.dice.choice(groups)
        here = sorted(self.oracle.members_of(conv))
        away = [uid for uid in NAMES[: self.plan.people] if uid not in here]
        wishes: tuple[Literal["add", "remove", "leave", "rename"], ...] = ("add", "add", "remove", "leave", "rename")
        do = self.dice.choice(wishes)
        some = {"add": away, "remove": here}.get(do, [device.me.uid])
        if not some or (do != "add" and len(here) < 3):
            return
        self.world.count(f"deed:group changed: {do}")
        uids = () if do in ("leave", "rename") else (Uid(self.dice.choice(some)),)
        title = f"Title {self.words}" if do == "rename" else ""
        wish = ChangeGroup(self.dice.randbytes(11).hex(), ConvId(conv), do, uids, title)
        for _ in range(self.dice.randint(1, 2)):
            client.wish(wish)

    def _relate(self, device: Device, client: Client) -> None:
        """Words are changed, taken back, or thought something of (P-74)."""
        kind = self.dice.choice(("edit", "recall", "react", "react"))
        whose = "1" if kind != "react" else "mine"
        rows = device.disk.db.execute(
            f"""select conv, pos, dg from bubble where mine = {whose} and did <> '0' and pos < ? and lost = 0
            and kind = 'text' order by place desc limit 20""",
            (NOWHERE,),
        ).fetchall()
        if rows:
            self.world.count(f"deed:{kind}")
            conv, pos, dg = self.dice.choice(rows)
            self.words += 1
            client.relates(ConvId(conv), kind, pos, Digest(dg), f"{device.me.name} {self.words}")

    def _poison(self, device: Device, client: Client) -> None:
        """Something that no version can read (P-81)."""
        if convs := self._my_convs(device):
            self.world.count("fault:unreadable message")
            client.sends(self.dice.choice(convs), b"\xff" + self.dice.randbytes(12))

    def _show_a_file(self, device: Device, client: Client) -> None:
        """A message names a file whose upload is complete, or is not (S11)."""
        if convs := self._my_convs(device):
            conv, done = self.dice.choice(convs), self.world.chance(0.5)
            self.world.count("deed:file named" if done else "fault:file named before it is complete")
            media = self.server_disk.upload(device.me.did, conv, done)
            self.words += 1
            client.says(conv, f"{device.me.name} {self.words}", media)

    def _block_somebody(self) -> None:
        """What is said meanwhile is refused (P-34)."""
        self.world.count("deed:somebody blocked")
        conv, uid = self.dice.choice(self.pairs)
        self.server_disk.block(conv, uid, True)
        self.world.later(self.dice.uniform(1, 30), lambda: self.server_disk.block(conv, uid, False))

    def _my_convs(self, device: Device) -> list[ConvId]:
        return [ConvId(conv) for conv in self.oracle.convs_of(device.me.uid)]

    def _say(self, device: Device, client: Client, times: int) -> None:
        convs = self._my_convs(device)
        if not convs:
            return
        conv = self.dice.choice(convs)
        long = " and so on" * self.dice.randint(1_000, 5_000) if times < 10 and self.world.chance(0.05) else ""
        for _ in range(times):
            self.words += 1
            client.says(conv, f"{device.me.name} {self.words}{long}")

    def _own(self, device: Device, states: str) -> list[Lid]:
        rows = device.disk.db.execute(f"select lid from bubble where mine = 1 and state in ({states}) order by lid")
        return [Lid(lid) for (lid,) in rows]

    def _cancel_some(self, device: Device, client: Client) -> None:
        """Mostly something that waits, sometimes something that was said just now."""
        self.world.count("deed:cancelled")
        lids = self._own(device, "1, 2, 7, 8")
        if lids:
            client.cancels(self.dice.choice(lids))
        elif client.next_lid > 1:
            client.cancels(Lid(client.next_lid - 1))
        if self.world.chance(0.5):
            self._say(device, client, 1)
            client.cancels(Lid(client.next_lid - 1))

    def _read_some(self, device: Device, client: Client) -> None:
        convs = self._my_convs(device)
        if not convs:
            return
        conv = self.dice.choice(convs)
        sql = "select max(pos) from bubble where conv = ? and pos < ? and lost = 0 and mine = 0"
        (pos,) = device.disk.db.execute(sql, (conv, NOWHERE)).fetchone()
        if pos:
            self.world.count("deed:read")
            client.wish(ReadUpto(conv, pos))

    def _answer_questions(self, device: Device, client: Client) -> None:
        """The list of P-57: ask, then send again."""
        lids = self._own(device, str(NEEDS_YOU))
        for lid in lids[:3]:
            client.asks(lid)
        if lids:
            client.sends_again(lids[0])

    def _go_away(self, device: Device, client: Client) -> None:
        """A long absence, after a clean end or none."""
        self.world.count("fault:long absence")
        device.away_s = self.dice.uniform(30, 250)
        if self.world.chance(0.5):
            client.runner.post(Quit())
            client.later(1.0, lambda: client.die("quit"))
        else:
            client.die("asleep")

    def _begin_twin(self, device: Device, client: Client) -> None:
        """A second computer with a copy of this profile logs in, talks, and is switched off for good (P-66)."""
        self.world.count("fault:two copies of a profile")
        disk = Disk(device.disk.copy())
        self.oracle.watches(disk, device.me.uid, device.me.did)
        twin = Client(self.network, self.oracle, disk, f"{device.me.name}/twin", self.ladder)
        for _ in range(self.dice.randint(0, 3)):
            twin.later(self.dice.uniform(0.1, 5), lambda: self._twin_says(device, twin))
        self.world.later(self.dice.uniform(1, 20), lambda: twin.die("switched off"))
        for one in (client, twin, client):  # the two take turns
            one.later(self.dice.uniform(0.5, 15), partial(one.runner.post, Dial()))

    def _twin_says(self, device: Device, twin: Client) -> None:
        if twin.me is not None:
            self._say(device, twin, 1)

    # --- fine weather

    def _clear(self) -> None:
        """Everybody comes back, answers what is asked, and in the end has everything."""
        world = self.world
        self.foul, self.network.weather = False, FINE
        world.note("--- the weather clears")
        world.run_until(world.now_s + 70.0)  # twins are gone, and frames that were under way
        self.start_server()
        for device in self.devices:
            device.start()
        world.run_until(world.now_s + 1.0)
        for device in self.devices:
            self._must_be_up(device).runner.post(Dial())
        world.run_until(world.now_s + 3.0)
        if world.chance(0.5):  # whatever is said now makes good what was not said again before
            self._last_words()
        self._settle()
        if self.plan.quiet:
            self._must_be_quiet()
        disks = [(f"{device.me.name}/{device.me.did}", device.disk) for device in self.devices]
        self.oracle.settled(disks, reads=False)
        for wire in self.network.wires:  # what a session may forget, the next one says again
            wire.cut()
        world.run_until(world.now_s + READS_S)
        self.oracle.settled(disks, reads=True)
        if world.violations:
            raise Violation(world.violations[0])

    def _last_words(self) -> None:
        """Some doorbells are lost although nobody's line breaks: only the polls make that good (P-46)."""
        self.network.weather = DEAF
        for device in self.devices:
            if self.world.chance(0.5) and (client := device.up):
                self._say(device, client, 1)
        self.world.run_until(self.world.now_s + 2.0)
        self.network.weather = FINE

    def _settle(self) -> None:
        """Time passes until everything has come to rest; at most as long as it may take."""
        disks = [device.disk for device in self.devices]
        for _ in range(int(SETTLE_S / SETTLE_STEP_S)):
            self.world.run_until(self.world.now_s + SETTLE_STEP_S)
            if self.oracle.at_rest(disks):
                break
            for device in self.devices:
                for lid in self._own(device, str(NEEDS_YOU)):
                    self._must_be_up(device).sends_again(lid)
        self.world.count("deed:settled, in seconds", int(self.world.now_s))

    def _must_be_quiet(self) -> None:
        """Polls and pings, and nothing else, go on when everything is said (L6)."""
        self.world.run_until(self.world.now_s + 15.0)
        before = self.network.frames
        self.world.run_until(self.world.now_s + QUIET_S)
        said = self.network.frames - before
        self.oracle.checks["L6 silence when all is said"] += 1
        if said > QUIET_FRAMES * len(self.devices):
            self.world.blame(f"L6 {said} frames in {QUIET_S} s of silence")

    def _must_be_up(self, device: Device) -> Client:
        assert device.client is not None
        return device.client

    def _report(self) -> Report:
        checks = {f"check:{name}": times for name, times in self.oracle.checks.items()}
        return Report(
            seed=self.world.seed,
            composed=self.oracle.composed,
            accepted=self.oracle.accepted,
            frames=self.network.frames,
            steps=self.world.steps,
            simulated_s=self.world.now_s - 1_000,
            counts=dict(sorted((self.world.counts + Counter(checks)).items())),
            trace=tuple(self.world.traced),
        )


class _Alert(logging.Handler):
    """An exception in a log is a mistake of ours, whoever caught it."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        self._world.note(f"log: {record.getMessage()}")
        if record.exc_info and record.exc_info[1] is not None:
            self._world.blame(f"{record.getMessage()}: {record.exc_info[1]!r}")


@contextmanager
def _listening(world: World) -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in ("client", "hexagram.server")]
    alert = _Alert(world)
    before = [logger.propagate for logger in loggers]
    for logger in loggers:
        logger.addHandler(alert)
        logger.propagate = False
    try:
        yield
    finally:
        for logger, propagate in zip(loggers, before, strict=True):
            logger.removeHandler(alert)
            logger.propagate = propagate


def play(seed: int, *, weather: Weather | None = None, plan: Plan | None = None, trace: bool = False) -> Report:
    """Run the schedule of this seed, in its own weather and life or in these. Raises Failed."""
    story = Story(seed, weather=weather, plan=plan, trace=trace)
    with _listening(story.world):
        try:
            with patience():
                return story.run()
        except (Violation, Endless) as broken:
            raise Failed(seed, str(broken), story.world.traced) from None
