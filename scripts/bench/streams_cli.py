"""The commands that measure streams over topics, and the topic bus beneath them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from scripts.bench.options import runs_option, seconds_option, shared
from scripts.bench.report import Results
from scripts.bench.streams import streams
from scripts.bench.streams_alone import streams_alone
from scripts.bench.streams_load import Changes, StreamsLoad
from scripts.bench.streams_median import streams_median

__all__ = ["COMMANDS"]


def _chosen(value: str, among: Sequence[str], option: str) -> list[str]:
    chosen = [word for word in value.split(",") if word]
    for word in chosen:
        if word not in among:
            raise click.BadParameter(f"{word} is none of {', '.join(among)}", param_hint=option)
    return chosen


@click.command("streams")
@click.option("--changes", default="spread,instant", show_default=True, help="Of spread and instant.")
@click.option(
    "--statuses",
    type=click.Choice(["1", "each", "both"]),
    default="1",
    show_default=True,
    help="One status with all attributes, or one for each attribute.",
)
@click.option("--attributes", default=200, show_default=True, help="That change: with 200 there are 10 000 deltas/s.")
@click.option("--history", default="none", show_default=True, help="Of none and recorded: all streams keep one.")
@click.option("--beside", default=0, show_default=True, help="More streams on each attribute, never recorded.")
@runs_option
@seconds_option
@shared
def _streams(
    results: Results,
    folder: Path,
    quick: bool,
    changes: str,
    statuses: str,
    attributes: int,
    history: str,
    beside: int,
    runs: int | None,
    seconds: float | None,
) -> None:
    """1000 streams of one attribute, five on each of 200, all of which change ten times a second: 10 000 deltas/s.

    The changes are spread evenly over the 100 ms, or come in one instant. mosquitto is needed."""
    kinds = _chosen(changes, list(Changes), "--changes")
    seconds = seconds or (5.0 if quick else 60.0)
    loads = [
        StreamsLoad(
            Changes(kind),
            number,
            seconds,
            attributes,
            state_dir=None if how == "none" else str(folder / "state"),
            beside=beside,
        )
        for number in {"1": [1], "each": [attributes], "both": [1, attributes]}[statuses]
        for kind in kinds
        for how in _chosen(history, ["none", "recorded"], "--history")
    ]
    streams(results, folder, loads, runs or (1 if quick else 3))


@click.command("streams-qos1")
@click.option("--qos", default="1,0", show_default=True, help="Of 1 and 0.")
@click.option("--in-flight", default=1000, show_default=True, help="Messages that ours may have on their way.")
@click.option("--of-paho", default=100, show_default=True, help="The same for paho, which is slower with many more.")
@runs_option
@seconds_option
@shared
def _alone(
    results: Results,
    folder: Path,
    quick: bool,
    qos: str,
    in_flight: int,
    of_paho: int,
    runs: int | None,
    seconds: float | None,
) -> None:
    """The topic bus over MQTT alone against paho's own threaded loop, flat out, with payloads that are ready.

    mosquitto is needed."""
    qualities = [int(q) for q in _chosen(qos, ["1", "0"], "--qos")]
    runs, seconds = runs or (1 if quick else 5), seconds or (1.0 if quick else 5.0)
    streams_alone(results, folder, qualities, in_flight, of_paho, runs, seconds)


@click.command("streams-median")
@click.option("--samples", default=1_000_000, show_default=True, help="How many.")
@click.option("--windows", default=60, show_default=True, help="Of a minute each, that they are in.")
@runs_option
@shared
def _median(results: Results, folder: Path, quick: bool, samples: int, windows: int, runs: int | None) -> None:
    """The memory that medians over windows take, by the stream engine alone."""
    streams_median(results, folder, samples, windows, runs or (1 if quick else 3))


COMMANDS = (_streams, _alone, _median)
