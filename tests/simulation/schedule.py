"""One seed, one story: people, weather, what they do; then the weather clears and everything must settle."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

from client.core.events import Ask, Dial, Open, Quit, ReadUpto, Resend, Woken
from client.core.model import Me
from protocol.ladder import Ladder
from protocol.packets import OpenR
from protocol.values import ConvId, Did, Lid, Uid
from server.core.values import Identity
from tests.simulation.clients import BLANK, Client, Disk
from tests.simulation.network import FINE, Network, Weather
from tests.simulation.oracle import NEEDS_YOU, NOWHERE, Oracle
from tests.simulation.servers import Server, ServerDisk
from tests.simulation.world import Violation, World

NAMES = ("alice", "bob", "carol", "dave")
SETTLE_S = 420.0
QUIET_S, QUIET_FRAMES = 100.0, 16  # frames of a device
CONVS_MAX = 6
GENTLE = 4  # of the faults listed in draw_weather


@dataclass(frozen=True)
class Report:
    """What a schedule was made of."""

    seed: int
    composed: int
    accepted: int
    frames: int
    lost: int
    repeated: int
    delayed: int
    cuts: int
    crashes: int
    restores: int
    twins: int
    absences: int
    steps: int
    simulated_s: float
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
        self.away_until_s = 0.0
        self.runs = 0

    def start(self) -> None:
        """The program starts, if it is not running."""
        if self.client is None or not self.client.alive:
            self.runs += 1
            name = f"{self.me.name}/{self.me.did}"
            self.client = Client(self._story.network, self._story.oracle, self.disk, name, self._story.ladder)

    def stop(self, how: str) -> None:
        """The program ends, one way or another."""
        if self.client is not None and self.client.alive:
            self.client.die(how)

    def restore(self) -> None:
        """The profile is replaced by the old copy of it (P-65)."""
        assert self.backup is not None
        self.stop("restored")
        self.disk = Disk(self.backup)
        self._story.oracle.watches(self.disk, self.me.uid, self.me.did)

    @property
    def up(self) -> Client | None:
        """The running program, if its core knows who it is."""
        return self.client if self.client is not None and self.client.alive and self.client.me else None


Deed: TypeAlias = Callable[[Device, Client], None]


class Story:
    """Everything of one seed."""

    def __init__(self, seed: int, *, weather: Weather | None = None, trace: bool = False) -> None:
        self.world = World(seed, trace=trace)
        self.dice = self.world.dice
        self.network = Network(self.world)
        self.ladder = Ladder("ask" if self.world.chance(0.15) else "ladder")
        self.server_disk = ServerDisk(self.network)
        self.oracle = Oracle(self.world, self.server_disk.db)
        self.devices: list[Device] = []
        self.pairs: list[tuple[ConvId, Uid]] = []
        self.weather = weather or draw_weather(self.world)
        self.foul = True
        self.falls = world_falls(self.weather)
        self.words = self.crashes = self.restores = self.twins = self.absences = 0
        self._people()
        self.weather_s = self.dice.choice((20.0, 40.0, 90.0, 200.0))
        self.rate = self.dice.choice((0.1, 0.2, 0.6))

    # --- the beginning

    def _people(self) -> None:
        people = NAMES[: self.dice.randint(3, 4)]
        for place, name in enumerate(people):
            self.server_disk.add_person(Uid(name), name.title())
            devices = 2 if self.world.chance(0.2) else 1
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
        Server(self.network, self.oracle, self.server_disk)
        for device in self.devices:
            world.later(self.dice.uniform(0, 5), device.start)
        world.run_until(world.now_s + self.dice.choice((0.0, 10.0)))
        self.network.weather = self.weather
        self._plan()
        world.run_until(world.now_s + self.weather_s)
        self._clear()
        return self._report()

    def _plan(self) -> None:
        """Everybody does something now and then, while the weather is foul; the world looks after the dead."""
        for device in self.devices:
            self._often(self.rate, lambda device=device: self._act(device))
            self._often(1.0, lambda device=device: self._look_after(device))
        self._often(1.0, self._look_after_server)
        self._often(self.dice.choice((0.0, 0.02)), self._block_somebody)
        self._often(self.dice.choice((0.0, 0.005, 0.02)) * self.falls, self._restart_server)

    def _often(self, rate: float, do: object) -> None:
        assert callable(do)
        if rate <= 0:
            return

        def again() -> None:
            if self.foul:
                do()
                self._often(rate, do)

        self.world.later(self.dice.expovariate(rate), again)

    def _look_after(self, device: Device) -> None:
        """Who is down comes back after 0.1 to 40 s, sometimes with an older disk."""
        if device.client is not None and device.client.alive:
            return
        if device.away_until_s == 0.0:
            self.crashes += device.runs > 0
            device.away_until_s = self.world.now_s + self.dice.choice((0.1, 1, 5, 40)) * self.dice.uniform(0.1, 1)
        if self.world.now_s < device.away_until_s:
            return
        device.away_until_s = 0.0
        if device.backup is not None and self.world.chance(0.5):
            self.restores += 1
            device.restore()
        device.start()

    def _look_after_server(self) -> None:
        if self.network.server is None:
            self.crashes += 1
            Server(self.network, self.oracle, self.server_disk)

    def _restart_server(self) -> None:
        if self.network.server is not None:
            self.network.server.die("restart")

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

    @property
    def deeds(self) -> tuple[tuple[float, Deed, bool], ...]:
        """How often, what, and whether somebody falls by it."""
        return (
            (45, lambda device, client: self._say(device, client, 1), False),
            (10, lambda device, client: self._say(device, client, self.dice.choice((3, 8, 30, 90))), False),
            (13, self._cancel_some, False),
            (12, self._read_some, False),
            (4, self._answer_questions, False),
            (3, lambda device, client: client.runner.post(Woken()), False),
            (3, lambda device, client: client.runner.post(Dial()), False),
            (2, self._open_another, False),
            (3, self._back_up, True),
            (1, self._restore, True),
            (3, self._go_away, True),
            (2, self._begin_twin, True),
        )

    def _back_up(self, device: Device, client: Client) -> None:
        device.backup = device.disk.copy()

    def _restore(self, device: Device, client: Client) -> None:
        if device.backup is not None:
            self.restores += 1
            device.restore()

    def _open_another(self, device: Device, client: Client) -> None:
        """A new group, asked for on the line; sometimes the same question twice."""
        others = tuple({Uid(one.me.uid): None for one in self.devices if one.me.uid != device.me.uid})
        if len(self.oracle.convs_of(device.me.uid)) < CONVS_MAX:
            wish = Open(self.dice.randbytes(11).hex(), others[: self.dice.randint(1, len(others))], "group", "More")
            for _ in range(self.dice.randint(1, 2)):
                client.wish(wish)

    def _block_somebody(self) -> None:
        """What is said meanwhile is refused (P-34)."""
        conv, uid = self.dice.choice(self.pairs)
        self.server_disk.block(conv, uid, True)
        self.world.later(self.dice.uniform(1, 30), lambda: self.server_disk.block(conv, uid, False))

    def _my_convs(self, device: Device) -> list[ConvId]:
        return [ConvId(conv) for conv in self.oracle.convs_of(device.me.uid)]

    def _say(self, device: Device, client: Client, times: int) -> None:
        conv = self.dice.choice(self._my_convs(device))
        long = " and so on" * self.dice.randint(1_000, 5_000) if times < 10 and self.world.chance(0.05) else ""
        for _ in range(times):
            self.words += 1
            client.says(conv, f"{device.me.name} {self.words}{long}")

    def _own(self, device: Device, states: str) -> list[Lid]:
        rows = device.disk.db.execute(f"select lid from bubble where mine = 1 and state in ({states}) order by lid")
        return [Lid(lid) for (lid,) in rows]

    def _cancel_some(self, device: Device, client: Client) -> None:
        """Mostly something that waits, sometimes something that was said just now."""
        lids = self._own(device, "1, 2, 7, 8")
        if lids:
            client.cancels(self.dice.choice(lids))
        elif client.next_lid > 1:
            client.cancels(Lid(client.next_lid - 1))
        if self.world.chance(0.5):
            self._say(device, client, 1)
            client.cancels(Lid(client.next_lid - 1))

    def _read_some(self, device: Device, client: Client) -> None:
        conv = self.dice.choice(self._my_convs(device))
        sql = "select max(pos) from bubble where conv = ? and pos < ? and lost = 0 and mine = 0"
        (pos,) = device.disk.db.execute(sql, (conv, NOWHERE)).fetchone()
        if pos:
            client.wish(ReadUpto(conv, pos))

    def _answer_questions(self, device: Device, client: Client) -> None:
        """The list of P-57: ask, then send again."""
        lids = self._own(device, str(NEEDS_YOU))
        for lid in lids[:3]:
            client.wish(Ask(lid))
        if lids:
            client.wish(Resend(lids[0]))

    def _go_away(self, device: Device, client: Client) -> None:
        """A long absence, after a clean end or none."""
        self.absences += 1
        device.away_until_s = self.world.now_s + self.dice.uniform(30, 250)
        if self.world.chance(0.5):
            client.runner.post(Quit())
            client.later(1.0, lambda: client.die("quit"))
        else:
            client.die("asleep")

    def _begin_twin(self, device: Device, client: Client) -> None:
        """A second computer with a copy of this profile logs in, talks, and is switched off for good (P-66)."""
        self.twins += 1
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
        if self.network.server is None:
            Server(self.network, self.oracle, self.server_disk)
        for device in self.devices:
            device.start()
        world.run_until(world.now_s + 1.0)
        for device in self.devices:
            self._must_be_up(device).runner.post(Dial())
        for wait_s in (SETTLE_S / 2, SETTLE_S / 2):
            world.run_until(world.now_s + wait_s)
            for device in self.devices:
                for lid in self._own(device, str(NEEDS_YOU)):
                    self._must_be_up(device).wish(Resend(lid))
        world.run_until(world.now_s + 30.0)
        self._must_be_quiet()
        disks = [(f"{device.me.name}/{device.me.did}", device.disk) for device in self.devices]
        self.oracle.settled(disks, reads=False)
        for wire in self.network.wires:  # what a session may forget, the next one says again
            wire.cut()
        world.run_until(world.now_s + 150.0)
        self.oracle.settled(disks, reads=True)
        if world.violations:
            raise Violation(world.violations[0])

    def _must_be_quiet(self) -> None:
        """Polls and pings, and nothing else, go on when everything is said (L6)."""
        before = self.network.frames
        self.world.run_until(self.world.now_s + QUIET_S)
        said = self.network.frames - before
        if said > QUIET_FRAMES * len(self.devices):
            self.world.blame(f"L6 {said} frames in {QUIET_S} s of silence")

    def _must_be_up(self, device: Device) -> Client:
        assert device.client is not None
        return device.client

    def _report(self) -> Report:
        net = self.network
        return Report(
            seed=self.world.seed,
            composed=self.oracle.composed,
            accepted=self.oracle.in_log(),
            frames=net.frames,
            lost=net.lost,
            repeated=net.repeated,
            delayed=net.delayed,
            cuts=net.cuts,
            crashes=self.crashes,
            restores=self.restores,
            twins=self.twins,
            absences=self.absences,
            steps=self.world.steps,
            simulated_s=self.world.now_s - 1_000,
            trace=tuple(self.world.traced),
        )


def world_falls(weather: Weather) -> bool:
    """Whether anything but frames is harmed."""
    return weather != replace(
        FINE,
        loss=weather.loss,
        twice=weather.twice,
        slow=weather.slow,
        ghost=weather.ghost,
        slow_max_s=weather.slow_max_s,
        half_open=weather.half_open,
        disk_max_s=weather.disk_max_s,
    )


def draw_weather(world: World) -> Weather:
    """Some faults of the list, each as strong as the dice say (swarm testing)."""
    dice = world.dice
    fair = Weather(disk_max_s=dice.choice((0.001, 0.01, 0.3)))
    choices = {
        "loss": (0.02, 0.1, 0.3, 0.6),
        "twice": (0.05, 0.3),
        "slow": (0.05, 0.3),
        "ghost": (0.01, 0.1),
        "cut_rate": (0.01, 0.1, 0.5),
        "no_dial": (0.2, 0.6),
        "client_crash": (0.001, 0.01, 0.03),
        "server_crash": (0.001, 0.005, 0.02),
        "disk_failure": (0.001, 0.01),
        "commit_unknown": (0.005, 0.03),
        "store_failure": (0.01, 0.1),
        "mistake": (0.01, 0.2),
    }
    gentle = world.chance(1 / 3)  # nobody falls; only frames do
    drawn = {
        name: dice.choice(values)
        for place, (name, values) in enumerate(choices.items())
        if world.chance(0.5 if gentle else 0.4) and not (gentle and place >= GENTLE)
    }
    return replace(fair, **drawn, slow_max_s=dice.choice((0.5, 5.0, 20.0)), half_open=dice.choice((0.0, 0.3, 1.0)))


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


def play(seed: int, *, weather: Weather | None = None, trace: bool = False) -> Report:
    """Run the schedule of this seed, in its own weather or in this one. Raises Failed."""
    story = Story(seed, weather=weather, trace=trace)
    with _listening(story.world):
        try:
            return story.run()
        except Violation as broken:
            raise Failed(seed, str(broken), story.world.traced) from None
