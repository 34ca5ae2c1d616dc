"""The screen of `consortium watch`: members, pace, newest blocks and what happened, looked at once a second."""

from __future__ import annotations

from collections.abc import Callable

from rich.text import Text
from textual.app import App, ComposeResult
from textual.containers import Container
from textual.coordinate import Coordinate
from textual.events import Resize
from textual.widgets import DataTable, Footer, Static

from consortium.core.words import Words, mark
from consortium.stories.plain import moment, zone
from nodes.deploy.lookout import Lookout, MemberSight, Sight, block_words
from nodes.errors import UserError

LOOK_EVERY_S = 1.0
WIDE = 120  # columns from which blocks and events stand side by side
COLUMNS = (
    mark("node"),
    mark("role"),
    mark("state"),
    mark("height"),
    mark("sealed"),
    mark("view"),
    mark("waiting"),
    mark("bus"),
)
ACTS = (("k", mark("kill")), ("p", mark("pause")), ("u", mark("resume")), ("r", mark("restart")), ("h", mark("heal")))
STYLES = {"running": "green", "leads": "bold cyan", "paused": "yellow", "starting": "yellow", "": "dim"}

Strike = Callable[[str, str], str]  # an act, its target; says what was done


class WatchScreen(App[None]):
    """`strike` None: show only. It looks in a thread, so a node that answers late holds nothing up."""

    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Screen { layout: vertical; }
    #head { height: 2; padding: 0 1; }
    #members { height: auto; max-height: 45%; }
    #below { layout: vertical; height: 1fr; overflow: hidden; }
    #below.wide { layout: horizontal; }
    Static { text-wrap: nowrap; text-overflow: ellipsis; }
    #blocks, #events { width: 1fr; height: 1fr; padding: 0 1; border-top: solid $accent; border-title-align: left; }
    #said { height: 1; padding: 0 1; }
    """

    def __init__(self, lookout: Lookout, strike: Strike | None, words: Words) -> None:
        super().__init__()
        self._lookout = lookout
        self._strike = strike
        self._words = words
        self._names: list[str] = []
        self._sight: Sight | None = None
        self._is_looking = False
        for key, act in ACTS:
            self._bindings.bind(key, f"strike('{act}')", words(act))
        self._bindings.bind("q", "quit", words("quit"))

    def compose(self) -> ComposeResult:
        yield Static(self._words("looking…"), id="head")
        yield DataTable(id="members", cursor_type="row", zebra_stripes=False)
        with Container(id="below"):
            yield Static(id="blocks")
            yield Static(id="events")
        yield Static(id="said")
        yield Footer()

    def on_mount(self) -> None:
        self._table.add_columns(*(self._words(title) for title in COLUMNS))
        self.query_one("#blocks").border_title = self._words("newest blocks ({zone})", zone=zone(self._lookout.offset))
        self.query_one("#events").border_title = self._words("what happened")
        self.set_interval(LOOK_EVERY_S, self._look_again)
        self._look_again()

    @property
    def _table(self) -> DataTable[Text]:
        return self.query_one("#members", DataTable)

    def on_resize(self, event: Resize) -> None:
        self.query_one("#below").set_class(event.size.width >= WIDE, "wide")
        if self._sight is not None:
            self.call_after_refresh(self._draw_below, self._sight)

    # --- looking ----------------------------------------------------------------------------------------------------

    def _look_again(self) -> None:
        """Never two looks at once."""
        if not self._is_looking:
            self._is_looking = True
            self.run_worker(self._look, thread=True, exit_on_error=False)

    def _look(self) -> None:
        try:
            sight = self._lookout.look()
            self.call_from_thread(self._draw, sight)
        except (UserError, OSError) as error:
            self.call_from_thread(self._say, str(error))
        finally:
            self._is_looking = False

    def _draw(self, sight: Sight) -> None:
        self._sight = sight
        self.query_one("#head", Static).update(head_lines(sight, self._lookout, self._words))
        table = self._table
        if self._names != [each.name for each in sight.members]:
            self._names = [each.name for each in sight.members]
            table.clear()
            for each in sight.members:
                table.add_row(*cells(each, sight, self._words), key=each.name)
        for row, each in enumerate(sight.members):
            for column, cell in enumerate(cells(each, sight, self._words)):
                table.update_cell_at(Coordinate(row, column), cell, update_width=True)
        self._draw_below(sight)

    def _draw_below(self, sight: Sight) -> None:
        blocks, events = self.query_one("#blocks", Static), self.query_one("#events", Static)
        lines = [
            f"{block.height:>7}  {moment(block.time_us, self._lookout.offset)[11:]}  {block.size:>4} tx  "
            f"{block_words(block, self._words)}"
            for block in reversed(sight.blocks)
        ]
        blocks.update(_clipped(lines, blocks, self._words("no block yet")))
        told = [f"{self._clock(t_us)}  {text}" for t_us, text in reversed(sight.events)]
        events.update(_clipped(told, events, self._words("nothing yet")))

    def _clock(self, t_us: int) -> str:
        return moment(self._lookout.origin_us + t_us, self._lookout.offset)[11:]

    def _say(self, text: str) -> None:
        self.query_one("#said", Static).update(Text(text))

    # --- breaking and mending ---------------------------------------------------------------------------------------

    def action_strike(self, act: str) -> None:
        if self._strike is None:
            self._say(self._words("this is shown only: what stands here is no consortium that `consortium up` made"))
            return
        row = self._table.cursor_row
        target = "" if act == "heal" or not 0 <= row < len(self._names) else self._names[row]
        self._say(f"{self._words(act)} {target} …")
        strike = self._strike
        self.run_worker(lambda: self._carry_out(strike, act, target), thread=True, exit_on_error=False)

    def _carry_out(self, strike: Strike, act: str, target: str) -> None:
        try:
            told = strike(act, target)
        except UserError as error:
            told = str(error)
        if self.is_running:
            self.call_from_thread(self._say, told)


def head_lines(sight: Sight, lookout: Lookout, words: Words) -> Text:
    """Two lines: where and how high; how fast."""
    up = words("up") if sight.is_up else words("a run") if lookout.standing is None else words("DOWN: `consortium up`")
    first = words(
        "{folder}: {up}, height {height}, sealed {sealed}, leader {leader}",
        folder=lookout.folder,
        up=up,
        height=max(sight.height, 0),
        sealed=max(sight.sealed, 0),
        leader=sight.leader or "-",
    )
    brokers = "  ".join(f"{name} {state}" for name, state in sight.brokers.items())
    latency = words("latency -")
    if sight.p50_ms is not None and sight.p99_ms is not None:
        latency = words("latency p50 {p50:.1f} ms, p99 {p99:.1f} ms", p50=sight.p50_ms, p99=sight.p99_ms)
    second = f"{words('{rate:.1f} tx/s', rate=sight.tx_s)}  {latency}  {brokers}"
    text = Text(f"{first}\n{second}", no_wrap=True, overflow="ellipsis")
    text.stylize("bold", 0, len(first))
    return text


def cells(each: MemberSight, sight: Sight, words: Words) -> list[Text]:
    """A row of the table; states are words, so that colours say nothing of their own."""
    leads = each.name == sight.leader and each.state == "running"
    state = "leads" if leads else each.state
    return [
        Text(each.name),
        Text(each.role),
        Text(words(state) if state in ("leads", "down", "paused") else state or "-", STYLES.get(state, "red")),
        *(_number(number) for number in (each.height, each.sealed, each.view, each.waiting)),
        Text(each.bus or "-"),
    ]


def _number(number: int) -> Text:
    return Text(str(number) if number >= 0 else "-", justify="right")


def _clipped(lines: list[str], widget: Static, nothing: str) -> Text:
    """As many lines as there is room for, none of them folded."""
    room = max(1, widget.size.height - 1)
    return Text("\n".join(lines[:room]) or nothing, no_wrap=True, overflow="ellipsis")


def watch_folder(lookout: Lookout, strike: Strike | None, words: Words) -> None:
    """Until `q`."""
    WatchScreen(lookout, strike, words).run()
