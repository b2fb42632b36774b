"""The answer for one session: it can be streamed, or each reason why not."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from rta.formatting import counted
from rta.ports import Finding, Severity
from rta_transports.redis.doctor.wording import listed, quoted

__all__ = ["unknown_session", "verdict"]

_LEAVES_IT_ALONE = ("memory.", "persistence.")
"""Problems of Redis that need not keep a session from being streamed."""


def unknown_session(identity: str, key: str, known: Sequence[str]) -> Finding:
    """There is no such key."""
    alike = [k for k in known if k.strip().casefold() == identity.strip().casefold()]
    alike = alike or difflib.get_close_matches(identity, known[:1000], 3)
    if alike:
        advice = f"Did you mean {listed(alike)}? Identities are compared character by character."
    else:
        advice = "Check that the ingest process writes to this Redis and database, and under this key."
    return Finding.problem(
        "session.unknown",
        f"Redis knows no session {quoted(identity)}",
        f"There is no key {quoted(key)}. Its ingest process has not opened it, or has opened it elsewhere, or it has "
        "expired.",
        advice,
    )


def verdict(identity: str, found: Sequence[Finding]) -> Finding:
    """`found`: about this session, and about Redis."""
    reasons = [f for f in found if f.is_problem and not f.code.startswith(_LEAVES_IT_ALONE)]
    name = f"session {quoted(identity)}"
    if reasons:
        return Finding.problem(
            "verdict",
            f"{name} cannot be streamed",
            f"For {counted(len(reasons), 'reason')}: " + "; ".join(f.title for f in reasons) + ".",
        )
    but = [f.title for f in found if f.severity is Severity.WARNING and f.code.startswith(("session.", "stream."))]
    return Finding.ok("verdict", f"{name} can be streamed", f"But see: {'; '.join(but)}." if but else "")
