"""The client's core as a whole: one event in, a list of effects out. It joins the machines and decides nothing else.

Every machine has one shape: `handle(event: Event | Internal, now_s) -> list[Output]` and
`next_wakeup_s() -> float | None`. An `Output` is an effect for the shell, or an event for the other machines
(`Internal`), which the engine feeds to all of them, in order, before it answers.

| machine | constructor | internal events it returns | that it hears |
|---|---|---|---|
| Link | `Link(me, roll, heads_sum: Callable[[], str])` | SessionUp, SessionDown, Said | Unanswered |
| Inbox | | MembersNow, Placed | SessionUp, SessionDown, Said, Pull, Rewound |
| Outbox | | Placed | SessionUp, SessionDown, Said, Compose, Rewound |
| Marks | | Pull | SessionUp, SessionDown, Said, MembersNow, Placed, Rewound |
| Directory | | Pull | SessionUp, SessionDown, Said |
| Transfers | `Transfers(uploads)` | Compose (when its upload is complete, P-3) | SessionUp, SessionDown |

The link hears `Received` first and alone. It answers `Welcome` with SessionUp, and everything behind it that is not
welcome, ping or pong with one `Said` per frame; packets of older wires and from before the welcome go nowhere (P-12).
"""
