"""Why Redis cannot be reached, in plain words. Knows the messages of Redis, of its client package and of OpenSSL."""

from __future__ import annotations

import re

from attrs import frozen

from rta.ports import Finding

__all__ = ["why_unreachable"]


@frozen
class _Cause:
    """What a message comes from. The first that fits counts."""

    code: str
    message: str
    """A regular expression, in any case."""
    title: str
    detail: str
    advice: str


_CAUSES = (
    _Cause(
        "name",
        r"name or service not known|name resolution|no address associated|nodename nor servname|getaddrinfo",
        "the name of the Redis server cannot be looked up",
        "DNS knows no such host, as seen from this machine or container.",
        "Check the host in buffer.url. In Compose it is the name of the service, in Kubernetes "
        "service.namespace.svc, and localhost is the container itself.",
    ),
    _Cause(
        "refused",
        r"connection refused|error 111\b|connect call failed",
        "nobody listens where Redis should be",
        "The machine is there and refuses the connection: Redis does not run, listens on another port, or on its own "
        "loopback address only (bind 127.0.0.1).",
        "Check that it runs, and host and port in buffer.url. From another machine, Redis needs `bind` and a password.",
    ),
    _Cause(
        "no-socket",
        r"error 2 connecting|no such file or directory",
        "the socket of Redis is not there",
        "buffer.url names a Unix socket, and there is no such file.",
        "Check the path, and `unixsocket` in redis.conf.",
    ),
    _Cause(
        "no-credentials",
        r"authentication required|noauth",
        "Redis wants a password, and none is configured",
        "",
        "Give it as RTA_BUFFER__PASSWORD or buffer.password_file, and buffer.user if Redis has named users.",
    ),
    _Cause(
        "no-password-wanted",
        r"without any password configured|no password is set",
        "a password is configured, but this Redis has none",
        "It refuses the attempt to give one. Perhaps it is another Redis than the one that is meant.",
        "Check buffer.url; take the password out if this is the right one.",
    ),
    _Cause(
        "credentials",
        r"wrongpass|invalid username-password|invalid password|user is disabled",
        "Redis refuses the user or the password",
        "It is reachable and answers; who we say we are is not accepted.",
        "Check buffer.user and the password. A password in buffer.url must be percent-encoded.",
    ),
    _Cause(
        "certificate",
        r"certificate.verify.failed|certificate_verify_failed|hostname mismatch|self.signed",
        "the TLS certificate of Redis is not trusted",
        "The connection is encrypted, but who is at the other end is not proven: the certificate is signed by somebody "
        "unknown, has expired, or is made out to another name.",
        "Name the signing certificate in buffer.ca_file, and use the host name in the certificate in buffer.url.",
    ),
    _Cause(
        "client-certificate",
        r"certificate required|handshake failure|bad certificate|unknown ca",
        "Redis refuses our TLS certificate, or the lack of one",
        "The server wants a client certificate that it trusts.",
        "Give buffer.cert_file and buffer.key_file, or switch tls-auth-clients off in Redis.",
    ),
    _Cause(
        "not-tls",
        r"wrong.version.number|record layer failure|unexpected eof|\bssl\b",
        "TLS with Redis does not come about",
        "buffer.url begins with rediss://, and the other side does not speak TLS, or not on this port.",
        "Use redis:// for a Redis without TLS, or the port of its `tls-port`.",
    ),
    _Cause(
        "database",
        r"db index|select is not allowed|invalid db",
        "Redis has no database of this number",
        "Usually there are 16, counted from 0; a Cluster has database 0 only.",
        "Check the number at the end of buffer.url, or `databases` in redis.conf.",
    ),
    _Cause(
        "loading",
        r"loading the dataset|^loading",
        "Redis is still loading its data",
        "It has been started a moment ago and reads what it had saved.",
        "Wait until it has done so.",
    ),
    _Cause(
        "full",
        r"max number of clients",
        "Redis has all the connections it takes",
        "",
        "Raise `maxclients` of Redis, or find out who leaves connections open (CLIENT LIST).",
    ),
    _Cause(
        "protected",
        r"protected mode",
        "Redis talks to its own machine only",
        "It is in protected mode: without a password it serves loopback connections only.",
        "Give it a password (requirepass or an ACL), and us the same.",
    ),
    _Cause(
        "permission",
        r"noperm|no permissions",
        "Redis lets us in, but forbids what we ask",
        "The user's rules (ACL) do not allow it.",
        "Let the user run the commands of the groups @read, @write, @stream, @scripting and @connection on all keys.",
    ),
    _Cause(
        "not-a-cluster",
        r"cluster support disabled",
        "this Redis is no Cluster",
        "buffer.mode says cluster.",
        'Set buffer.mode to "single", or to "sentinel" if Sentinels watch over it.',
    ),
    _Cause(
        "sentinel-service",
        r"does not know '",
        "the Sentinels know no service of this name",
        "They can be reached; what is called differently is the primary they watch over.",
        "Set buffer.service to the name after `sentinel monitor` in their configuration.",
    ),
    _Cause(
        "not-a-sentinel",
        r"unknown command.*sentinel",
        "this is no Sentinel",
        "buffer.mode says sentinel, and a plain Redis has answered.",
        'List the Sentinels in buffer.sentinels (their port is usually 26379), or set buffer.mode to "single".',
    ),
    _Cause(
        "closed",
        r"connection (closed|reset)|closed the connection|error 104|broken pipe",
        "the connection is cut off at once",
        "Something accepts connections there and ends them: a Redis that speaks TLS only, a proxy, or another service.",
        "If Redis speaks TLS on this port, begin buffer.url with rediss://.",
    ),
    _Cause(
        "timeout",
        r"no answer within|timed? ?out|timeout",
        "Redis does not answer in time",
        "Nothing comes back: a firewall drops the packets, the address is wrong, or Redis is stuck.",
        "Check the address and what is between; buffer.timeout says how long is waited.",
    ),
    _Cause(
        "no-route",
        r"unreachable|no route",
        "there is no way to the machine of Redis",
        "The network says that the address cannot be reached from here.",
        "Check the address, and the network of the container or machine.",
    ),
)

_TLS = "Or it does not speak TLS on this port, and waits: buffer.url begins with rediss://."


def why_unreachable(where: str, message: str) -> Finding:
    """`where`: the URL without its secret; `message`: what was said when it failed."""
    for cause in _CAUSES:
        if re.search(cause.message, message, re.IGNORECASE):
            detail = f"{cause.detail} {_TLS if cause.code == 'timeout' and where.startswith('rediss:') else ''}"
            detail = f"{detail.strip()} ({message})".strip()
            return Finding.problem(f"reach.{cause.code}", cause.title, detail, cause.advice)
    return Finding.problem(
        "reach.other", "Redis cannot be used", f"{where}: {message}", "Check buffer.url and the server's own log."
    )
