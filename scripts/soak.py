"""Run the service for a long time, while everything around it and it itself breaks again and again.

    python -m scripts.soak                              ten minutes
    python -m scripts.soak --minutes 30 --kills 100     broker, node, edge and Redis killed 100 times each
    python -m scripts.soak --seed 7                     the faults of an earlier run

Starts its own Redis, broker, edge and node on free ports, in a temporary folder, and ends them. Exits with 1 if
anything was lost, if a process of ours has grown or died, or if the retained picture is wrong at the end.
"""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
from pathlib import Path

import click
import trio
from attrs import frozen

from scripts.soaking import rta_half, streams_half
from scripts.soaking.plan import drawn
from scripts.soaking.rta_half import RtaHalf
from scripts.soaking.sites import Streams
from scripts.soaking.streams_half import StreamsHalf
from scripts.soaking.table import growth_of, heading, line, summary, verdict

_LOOK = 1.0  # seconds between looks at memory and handles
_HEADING = 20  # lines
_SETTLE = 180.0  # seconds until everything must have come


@frozen
class Soak:
    """What is asked for."""

    seconds: float
    seed: int
    kills: int
    pause: float
    every: float
    sessions: int
    clients: int
    bursts: float
    kept: int
    plain: int
    changes: float
    memory: float
    handles: int

    async def run(self, folder: Path) -> list[str]:
        """What went wrong."""
        rta = RtaHalf(folder, self.sessions, self.bursts, self.clients)
        streams = StreamsHalf(folder, Streams(self.kept, self.plain), self.changes)
        async with trio.open_nursery() as nursery:
            try:
                await rta.begin(nursery)
                await streams.begin(nursery)
                await self._suffer(rta, streams)
            finally:
                streams.close()
                nursery.cancel_scope.cancel()
        processes = [*rta.processes, *streams.processes, streams.feed]
        click.echo(summary(rta, streams))
        wrong = [*rta.wrong, *streams.wrong, *(d for p in processes for d in p.died)]
        return wrong + growth_of((rta.edge, streams.node), self.memory, self.handles)

    async def _suffer(self, rta: RtaHalf, streams: StreamsHalf) -> None:
        without = () if streams.clock.can_be_set else ("clock forward", "clock back")
        if without:
            click.echo("There is no C compiler, so that the clock cannot be set.")
        async with trio.open_nursery() as looking:
            looking.start_soon(self._look, rta, streams)
            async with trio.open_nursery() as striking:
                for half, lanes in ((rta, rta_half.LANES), (streams, streams_half.LANES)):
                    for lane in lanes:
                        faults = drawn(self.seed, lane, self.seconds, self.pause, self.kills, without)
                        striking.start_soon(half.suffer, faults)
                await trio.sleep(self.seconds)
            async with trio.open_nursery() as settling:
                settling.start_soon(rta.settle, _SETTLE)
                settling.start_soon(streams.settle, _SETTLE)
            looking.cancel_scope.cancel()

    async def _look(self, rta: RtaHalf, streams: StreamsHalf) -> None:
        begun = trio.current_time()
        due, lines = begun, 0
        while True:
            for process in (*rta.processes, *streams.processes):
                process.look()
            if trio.current_time() >= due:
                if lines % _HEADING == 0:
                    click.echo(heading())
                click.echo(line(trio.current_time() - begun, rta, streams))
                due, lines = due + self.every, lines + 1
            await trio.sleep(_LOOK)


async def _run(soak: Soak, folder: Path) -> list[str]:
    """Until its end, or a signal; whatever has been started is ended."""
    wrong = ["ended by a signal"]
    async with trio.open_nursery() as nursery:

        async def listen(task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
            with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
                task_status.started()
                async for _ in signals:
                    nursery.cancel_scope.cancel()

        await nursery.start(listen)
        wrong = await soak.run(folder)
        nursery.cancel_scope.cancel()
    return wrong


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--minutes", default=10.0, help="How long there are faults; settling comes on top.")
@click.option("--seed", default=1, help="What the faults are drawn from.")
@click.option("--kills", default=0, help="How often broker, node, edge and Redis are killed, each; 0: as it happens.")
@click.option("--pause", default=8.0, help="Seconds between two faults of a kind of thing, on average.")
@click.option("--every", default=30.0, help="Seconds between two lines.")
@click.option("--sessions", default=5, help="RTA sessions.")
@click.option("--clients", default=2, help="WebSocket clients of each.")
@click.option("--bursts", default=20.0, help="Bursts a second of each session.")
@click.option("--kept", default=20, help="Streams with history and replay.")
@click.option("--plain", default=10, help="Streams without.")
@click.option("--changes", default=5.0, help="Changes a second of each stream.")
@click.option("--memory", default=64.0, help="MiB by which edge and node may grow, 30 s after each start and later.")
@click.option("--handles", default=20, help="Handles by which they may.")
@click.option(
    "--keep", is_flag=True, help="Keep the folder with logs and data; it is kept in any case after a failure."
)
def main(keep: bool, minutes: float, **asked: float) -> None:
    """Let the service run while everything breaks, and see whether anything is lost."""
    soak = Soak(seconds=minutes * 60, **asked)  # type: ignore[arg-type]
    folder = Path(tempfile.mkdtemp(prefix="rta-soak-"))
    folder.chmod(0o755)  # a broker may give up being root
    wrong = trio.run(_run, soak, folder)
    click.echo(verdict(wrong))
    if wrong or keep:
        click.echo(f"logs and data are in {folder}")
    else:
        shutil.rmtree(folder)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
