"""Errors of the network, in words."""

from __future__ import annotations

import os
import ssl

__all__ = ["network_reason"]


def network_reason(error: BaseException) -> str:
    """What is behind an error of the network: the cause of the first attempt where several addresses were tried."""
    while True:
        if isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        elif isinstance(error, OSError) and error.errno is None and error.__cause__ is not None:
            error = error.__cause__
        else:
            break
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {(error.reason or str(error)).replace('_', ' ').lower()}"
    if isinstance(error, OSError) and (error.errno or 0) > 0:
        return os.strerror(error.errno or 0)
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
