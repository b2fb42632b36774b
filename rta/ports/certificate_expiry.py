"""How long our own certificate lasts: a metric says it, and log and `/health` warn of its end."""

from __future__ import annotations

from pathlib import Path

import structlog
import trio

from rta.errors import UnreadableError
from rta.ports.tls import TlsOptions, certificate_end, days_left
from rta.ports.transport import Context

__all__ = ["CertificateExpiry"]

log = structlog.get_logger("rta.tls")

_ROUND = 60.0  # seconds
_AGAIN = 86400.0  # seconds between warnings


class CertificateExpiry:
    """Of one transport's certificate. `watch` is for those who read its file for each connection."""

    def __init__(self, options: TlsOptions, context: Context) -> None:
        self._options = options
        self._context = context
        self._warned = float("-inf")

    def tell(self, end: int) -> None:
        """Of a certificate that is in use, and ends then: ns since the Unix epoch."""
        days = days_left(end, self._context.clock())
        self._context.report.gauge("rta_certificate_days_left", round(days, 3), transport=self._context.name)
        if days * 86400 >= self._options.expiry_warning:
            self._context.warn("certificate", None)
            return
        what = "our certificate has ended" if days <= 0 else f"our certificate ends in {days:.1f} days"
        self._context.warn("certificate", what)
        if trio.current_time() - self._warned >= _AGAIN:
            self._warned = trio.current_time()
            log.warning(what, transport=self._context.name, file=str(self._options.cert_file))

    async def watch(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Tell it again and again; started when it has been told once."""
        if self._options.cert_file is None:
            task_status.started()
            return
        path: Path = self._context.folder / self._options.cert_file
        await self._read_end(path)
        task_status.started()
        while True:
            await trio.sleep(_ROUND)
            await self._read_end(path)

    async def _read_end(self, path: Path) -> None:
        try:
            end = await trio.to_thread.run_sync(certificate_end, path, abandon_on_cancel=True)
        except UnreadableError as e:
            self._context.warn("certificate", str(e))  # connecting says it in the log
        else:
            self.tell(end)
