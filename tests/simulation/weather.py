"""What may go wrong in a world, and how its people live: drawn from the seed (swarm testing)."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from tests.simulation.world import World


@dataclass(frozen=True)
class Weather:
    """Shares are of all frames, connections or steps; rates are per second of a connection, or of the world."""

    loss: float = 0.0
    twice: float = 0.0
    slow: float = 0.0
    slow_max_s: float = 0.0
    ghost: float = 0.0
    half_open: float = 0.0
    disk_max_s: float = 0.01
    slow_reader: float = 0.0
    no_bell: float = 0.0
    cut_rate: float = 0.0
    no_dial: float = 0.0
    client_crash: float = 0.0
    server_crash: float = 0.0
    disk_failure: float = 0.0
    commit_unknown: float = 0.0
    store_failure: float = 0.0
    mistake: float = 0.0
    clock_rate: float = 0.0
    stall_rate: float = 0.0
    rollback_rate: float = 0.0


FINE = Weather()
HARMLESS = frozenset(
    {"loss", "twice", "slow", "slow_max_s", "ghost", "half_open", "disk_max_s", "slow_reader", "no_bell"}
)
"""What harms frames only: whoever lives in such a world never falls."""

CHOICES = {
    "loss": (0.02, 0.1, 0.3, 0.6),
    "twice": (0.05, 0.3),
    "slow": (0.05, 0.3),
    "ghost": (0.01, 0.1),
    "no_bell": (0.1, 1.0),
    "slow_reader": (0.2,),
    "cut_rate": (0.01, 0.1, 0.5),
    "no_dial": (0.2, 0.6),
    "client_crash": (0.001, 0.01, 0.03),
    "server_crash": (0.001, 0.005, 0.02),
    "disk_failure": (0.001, 0.01),
    "commit_unknown": (0.005, 0.03),
    "store_failure": (0.01, 0.1),
    "mistake": (0.01, 0.2),
    "clock_rate": (0.02, 0.1),
    "stall_rate": (0.01, 0.05),
    "rollback_rate": (0.01,),
}
SHARE = {"no_bell": 0.15, "slow_reader": 0.15, "clock_rate": 0.3, "stall_rate": 0.2, "rollback_rate": 0.15}
SHARE_ELSE, SHARE_GENTLE = 0.4, 0.5


def draw_weather(world: World) -> Weather:
    """Some faults, each as strong as the dice say. In a third of all worlds nobody falls; only frames do."""
    dice = world.dice
    fair = Weather(disk_max_s=dice.choice((0.001, 0.01, 0.3)))
    gentle = world.chance(1 / 3)
    drawn = {}
    for name, strengths in CHOICES.items():
        strength, roll = dice.choice(strengths), dice.random()
        if roll < SHARE.get(name, SHARE_GENTLE if gentle else SHARE_ELSE) and not (gentle and name not in HARMLESS):
            drawn[name] = strength
    return replace(fair, **drawn, slow_max_s=dice.choice((0.5, 5.0, 20.0)), half_open=dice.choice((0.0, 0.3, 1.0)))


def anybody_falls(weather: Weather) -> bool:
    """Whether anything but frames is harmed."""
    return any(getattr(weather, field.name) for field in fields(Weather) if field.name not in HARMLESS)


@dataclass(frozen=True)
class Plan:
    """How long the foul weather lasts, how busy people are, and what happens beyond talking."""

    weather_s: float = 40.0
    rate: float = 0.2
    bursts: tuple[int, ...] = (3, 8, 30, 90)
    burst_share: float = 15.0
    people: int = 4
    second_devices: float = 0.2
    ask_at_once: bool = False
    block_rate: float = 0.0
    restart_rate: float = 0.0
    trim_rate: float = 0.0
    groups_change: float = 0.0
    relate: float = 0.0
    media: float = 0.0
    poison: float = 0.0
    quiet: bool = False
    restores: float = 1.0


def draw_plan(world: World) -> Plan:
    """A life."""
    dice = world.dice
    return Plan(
        weather_s=dice.choice((20.0, 40.0, 60.0, 120.0)),
        rate=dice.choice((0.1, 0.2, 0.3)),
        bursts=dice.choice(((3, 8, 30, 90), (30, 90, 200), (3, 64))),
        burst_share=dice.choice((10.0, 20.0, 40.0)),
        people=dice.randint(3, 4),
        second_devices=dice.choice((0.0, 0.2, 0.5)),
        ask_at_once=world.chance(0.15),
        block_rate=dice.choice((0.0, 0.02)),
        restart_rate=dice.choice((0.0, 0.005, 0.02)),
        trim_rate=dice.choice((0.0, 0.0, 0.03)),
        groups_change=dice.choice((0.0, 3.0)),
        relate=dice.choice((0.0, 5.0)),
        media=dice.choice((0.0, 0.0, 4.0)),
        poison=dice.choice((0.0, 0.0, 3.0)),
        quiet=world.chance(0.2),
    )
