"""Every metric there is, in one list: `rta config docs` and `GET /metrics` are made from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum

import structlog
from attrs import frozen
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from rta.formatting import listed
from rta.hot_counters import HotCounters

__all__ = ["METRICS", "Merge", "Metric", "Metrics", "metrics_docs"]

log = structlog.get_logger("rta.input")

_SOURCES = 1000  # sources of malformed input told apart


class MetricKind(StrEnum):
    """How a metric moves."""

    COUNTER = "counter"
    GAUGE = "gauge"


class Merge(StrEnum):
    """What the values of several workers come to."""

    SUM = "sum"
    MAX = "max"
    MIN = "min"


@frozen
class Metric:
    """One entry of the list. `counter`: the hot-path count it is read from; `live`: read from the site at scrape."""

    name: str
    kind: MetricKind
    help: str
    labels: tuple[str, ...] = ()
    counter: str | None = None
    live: bool = False
    merge: Merge = Merge.SUM


_C, _G = MetricKind.COUNTER, MetricKind.GAUGE

METRICS: tuple[Metric, ...] = (
    # Health: what GET /health says, 1 or 0.
    Metric("rta_healthy", _G, "1 when GET /health answers 200; of several workers, when it does on each.", live=True,
           merge=Merge.MIN),
    Metric("rta_workers", _G, "Processes that these metrics are of.", live=True),
    # Sessions.
    Metric("rta_sessions_followed", _G, "Sessions being followed for clients.", live=True),
    Metric("rta_clients", _G, "WebSocket clients being served.", live=True),
    Metric("rta_views", _G, "Groups of up to 250 clients that want the same; for each it is made once.", live=True),
    Metric("rta_clients_behind", _G, "Clients that are not at the leading edge of their session.", live=True),
    Metric("rta_lag_seconds", _G, "How far the client furthest behind its session's leading edge is.", live=True,
           merge=Merge.MAX),
    Metric("rta_ring_bytes", _G, "Recent bursts kept for followed sessions.", live=True),
    # Bursts in.
    Metric("rta_ingest_bursts_total", _C, "Bursts written to the buffer by our sources.", ("source",)),
    Metric("rta_bursts_in_total", _C, "Bursts read from the buffer for followed sessions.", counter="bursts_in"),
    Metric("rta_bytes_in_total", _C, "Packed bytes of those.", counter="bytes_in"),
    Metric("rta_malformed_total", _C, "Input left out as malformed.", ("kind",)),
    Metric("rta_notices_total", _C, "Input worth a look of which nothing was left out, such as time that goes back.",
           ("kind",)),
    Metric("rta_source_cells_total", _C, "Cells read from files, good or not; blank ones do not count.", ("source",)),
    Metric("rta_source_cells_lost_total", _C, "Those that were left out; a row counts all its cells.", ("source",)),
    Metric("rta_trimmed_entries_total", _C, "Entries the pruner has trimmed from the buffer."),
    # Bursts out.
    Metric("rta_bursts_out_total", _C, "Bursts delivered, over all clients.", counter="bursts_out"),
    Metric("rta_frames_out_total", _C, "WebSocket frames sent; one may hold many bursts.", counter="frames_out"),
    Metric("rta_bytes_out_total", _C, "Bytes of those frames.", counter="bytes_out"),
    Metric("rta_backfill_bursts_total", _C, "Bursts delivered as back-fill.", counter="backfill_bursts"),
    Metric("rta_backfill_bytes_total", _C, "Bytes of back-fill frames.", counter="backfill_bytes"),
    # Lag and drops.
    Metric("rta_fell_behind_total", _C, "Times a client's socket was full and it left the leading edge.",
           counter="fell_behind"),
    Metric(
        "rta_odd_time_ranges_total",
        _C,
        "Time ranges of sessions that could not be right: they stretch nothing.",
        counter="odd_ranges",
    ),
    Metric("rta_rewinds_total", _C, "Reads of the buffer for clients that fell off the ring.", counter="rewound"),
    Metric("rta_clients_dropped_total", _C, "Clients closed because the buffer no longer held what came next.",
           counter="dropped"),
    Metric("rta_reader_overrun_total", _C, "Sessions of which the buffer was trimmed before we had read it.",
           counter="lost"),
    Metric("rta_clients_closed_total", _C, "Connections that ended: left, finished, stalled, fell_behind, "
           "unreachable, point_lost, run_over, signed_out, shutdown or fault.", ("reason",)),
    # Streams over topics.
    Metric("rta_streams", _G, "Streams of the node.", live=True, merge=Merge.MAX),
    Metric("rta_streams_running", _G, "Those that run.", live=True, merge=Merge.MAX),
    Metric("rta_stream_messages_total", _C, "Status messages handed to the topic bus.", counter="stream_messages"),
    Metric("rta_stream_events_total", _C, "Events in those; a batch holds several.", counter="stream_events"),
    Metric("rta_stream_bytes_total", _C, "Payload bytes of those.", counter="stream_bytes"),
    Metric("rta_stream_events_unsent_total", _C, "Events that could not be sent: no connection, or a full queue; "
           "a full update follows.", counter="stream_unsent"),
    Metric("rta_stream_refused_total", _C, "Messages that the broker has refused to take."),
    Metric("rta_stream_samples_left_out_total", _C, "Samples that could not count, by kind: late, out_of_order, …",
           ("kind",)),
    Metric("rta_streams_pruned_total", _C, "Streams that have stopped by themselves.", ("reason",)),
    Metric("rta_topic_input_refused_total", _C, "Messages to the node that were not acted on, by kind of topic.",
           ("kind", "reason")),
    Metric("rta_commands_total", _C, "Commands answered, by status.", ("status",)),
    Metric("rta_results_dropped_total", _C, "Results that could not be delivered."),
    Metric("rta_audit_dropped_total", _C, "Lines of the audit file that could not be written."),
    # History and replay.
    Metric("rta_history_entries_total", _C, "Entries committed to the history."),
    Metric("rta_history_left_out_total", _C, "Entries that were published without being in the history: the disk was "
           "full, or did not answer, or its process was gone."),
    Metric("rta_history_damaged_total", _C, "Damage found in the history file; the log has it."),
    Metric("rta_state_damaged_total", _C, "Other files of the state directory that were damaged and set aside."),
    Metric("rta_history_restarts_total", _C, "Times the process of the history ended by itself."),
    Metric("rta_replay_entries_total", _C, "Entries delivered by replay."),
    # The archive.
    Metric("rta_archive_sessions", _G, "Sessions in the archive."),
    Metric("rta_archive_bytes", _G, "Bytes of the archive on the disk."),
    Metric("rta_archive_streams", _G, "Streams that are being recorded by us.", live=True),
    Metric("rta_archive_lag_seconds", _G, "How long the oldest of what is to be recorded has waited; less than half a "
           "second in good order.", live=True, merge=Merge.MAX),
    Metric("rta_archive_bursts_total", _C, "Bursts recorded."),
    Metric("rta_archive_packed_bytes_total", _C, "Packed bytes of those."),
    Metric("rta_archive_holes_total", _C, "Holes in recorded sessions: entries that were gone before they could be "
           "recorded."),
    Metric("rta_archive_left_out_total", _C, "Entries that are in no session of the buffer, so that nobody knows what "
           "they are of."),
    Metric("rta_archive_failures_total", _C, "Times something could not be recorded, and was tried again: the disk was "
           "full, or the archive did not answer, or its process was gone."),
    Metric("rta_archive_sealed_total", _C, "Sessions that were sealed."),
    Metric("rta_archive_deleted_total", _C, "Sessions that were deleted by the limits."),
    Metric("rta_archive_adopted_total", _C, "Imported sessions that were taken in."),
    Metric("rta_archive_away", _G, "1 while the other service that has the archive does not answer.", live=True,
           merge=Merge.MAX),
    Metric("rta_archive_restarts_total", _C, "Times the process of the archive ended by itself."),
    Metric("rta_archive_damaged_total", _C, "Damage found in the archive; the log has it."),
    # Fetches.
    Metric("rta_fetches_open", _G, "Fetches that are being answered."),
    Metric("rta_fetches_total", _C, "What became of fetches: answered, unreadable (sent as far as it went), "
           "undelivered or dropped (too many empty answers).", ("outcome",)),
    Metric("rta_history_messages_total", _C, "History messages sent in answer to fetches."),
    Metric("rta_history_entries_sent_total", _C, "Entries in those."),
    Metric("rta_history_entries_too_large_total", _C, "Entries left out because no message can hold them."),
    # Alarms.
    Metric("rta_alarms", _G, "Alarms of the node, each component counted.", live=True, merge=Merge.MAX),
    Metric("rta_alarms_active", _G, "Those that are active.", live=True, merge=Merge.MAX),
    Metric("rta_alarm_changes_total", _C, "Alarms that were raised or cleared.", ("change",)),
    Metric("rta_alarm_events_left_out_total", _C, "Changes of alarms not told as events: flapping, or unsent; the full "
           "update has them.", ("reason",)),
    Metric("rta_alarm_entries_left_out_total", _C, "Active alarms for which a full update had no room."),
    Metric("rta_alarm_samples_left_out_total", _C, "Samples that could not count for an alarm, by kind: out_of_order, "
           "no_number, unknown.", ("kind",)),
    Metric("rta_alarm_faults_total", _C, "Failures of the plug-ins of alarms.", ("code",)),
    # Sampling, for the streams of statuses.
    Metric("rta_sampler_dropped_total", _C, "Bursts and topic messages left out because the streams were behind."),
    Metric("rta_sampler_unbound_total", _C, "Attributes of which a followed session has neither the parameter nor the "
           "channel."),
    # Remote nodes as sessions.
    Metric("rta_remote_left_out_total", _C, "Entries of remote nodes that waited for a session, and were too many."),
    # What is consumed of other nodes.
    Metric("rta_consumer_gaps_total", _C, "Gaps in the numbers of others' streams that are closed: healed, or lost in "
           "whole or in part.", ("outcome",)),
    Metric("rta_consumer_left_out_total", _C, "What of others was left out, by reason: bound, topic, answer, event, "
           "flood.", ("reason",)),
    # REST.
    Metric("rta_data_answers_total", _C, "Answers with data of sessions, by kind.", ("kind",)),
    Metric("rta_data_bytes_total", _C, "Bytes of those."),
    Metric("rta_data_damaged_total", _C, "Chunks that were left out of those because they were damaged."),
    # Sign-in.
    Metric("rta_sign_in_refused_total", _C, "Requests refused for who asks, by reason: nobody, malformed, signature, "
           "ended, role, origin, …", ("reason",)),
    Metric("rta_sign_in_keys_age_seconds", _G, "How long ago the keys of the issuer were fetched; 0: there are none.",
           live=True, merge=Merge.MAX),
    Metric("rta_sign_in_key_fetches_total", _C, "Times the keys of the issuer were asked for, by outcome: fetched, "
           "failed.", ("outcome",)),
    # Connections.
    Metric("rta_connections", _G, "Open TCP connections."),
    Metric("rta_connections_refused_total", _C, "Connections refused, or given up for what they send or do not "
           "take, by reason.", ("reason",)),
    Metric("rta_certificate_days_left", _G, "Until the certificate that we show ends, by transport; negative behind "
           "its end.", ("transport",), merge=Merge.MIN),
    Metric("rta_certificates_refused_total", _C, "New certificates of the edge that were refused; the old one is "
           "used."),
    Metric("rta_connection_faults_total", _C, "Connections ended by a fault of ours; the log has it."),
)  # fmt: skip


class Metrics:
    """The metrics of one site. Also the `Reporter` that transports get."""

    def __init__(self, counters: HotCounters, live: Callable[[], dict[str, float]]) -> None:
        """`live` gives the values of the metrics marked so, by name."""
        self.registry = CollectorRegistry()
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._children: dict[tuple[object, ...], Counter] = {}  # as many as the registry has
        for m in METRICS:
            if m.counter is None and not m.live:
                if m.kind is MetricKind.COUNTER:
                    self._counters[m.name] = Counter(m.name, m.help, m.labels, registry=self.registry)
                else:
                    self._gauges[m.name] = Gauge(m.name, m.help, m.labels, registry=self.registry)
        self.registry.register(_Reader(counters, live))
        self._seen: dict[tuple[str, str], None] = {}

    def render(self) -> bytes:
        """The Prometheus text format."""
        return generate_latest(self.registry)

    def count(self, metric: str, amount: float = 1, **labels: str) -> None:
        key = (metric, *labels.items())
        if (counter := self._children.get(key)) is None:
            counter = self._counters[metric]
            counter = self._children[key] = counter.labels(**labels) if labels else counter
        counter.inc(amount)

    def gauge(self, metric: str, amount: float, **labels: str) -> None:
        gauge = self._gauges[metric]
        (gauge.labels(**labels) if labels else gauge).set(amount)

    def malformed(self, source: str, kind: str, detail: str, part: str = "") -> None:
        self.count("rta_malformed_total", kind=kind)
        if self._is_first(source, kind):
            log.warning("malformed input left out; more of this kind is only counted", source=source, kind=kind,
                        detail=detail[:500])  # fmt: skip

    def notice(self, source: str, kind: str, detail: str) -> None:
        self.count("rta_notices_total", kind=kind)
        if self._is_first(source, kind):
            log.info("noticed; more of this kind is only counted", source=source, kind=kind, detail=detail[:500])

    def _is_first(self, source: str, kind: str) -> bool:
        if (source, kind) in self._seen:
            return False
        self._seen[source, kind] = None
        if len(self._seen) > _SOURCES:
            del self._seen[next(iter(self._seen))]
        return True


class _Reader(Collector):
    """Reads the hot-path counts and the live values when scraped."""

    def __init__(self, counters: HotCounters, live: Callable[[], dict[str, float]]) -> None:
        self._counters = counters
        self._live = live

    def collect(self) -> Iterable[CounterMetricFamily | GaugeMetricFamily]:
        live = self._live()
        for m in METRICS:
            if m.counter is not None:
                yield CounterMetricFamily(m.name, m.help, getattr(self._counters, m.counter))
            elif m.live:
                yield GaugeMetricFamily(m.name, m.help, live.get(m.name, 0.0))


def metrics_docs() -> str:
    """The list as Markdown."""
    return "\n".join([*(listed(f"`{m.name}` ({m.kind}{_by(m.labels)}): {m.help}") for m in METRICS), ""])


def _by(labels: tuple[str, ...]) -> str:
    return f" by {', '.join(labels)}" if labels else ""
