"""What a claim of a token says that somebody may do. Claims are of any type and shape; what makes no sense gives
nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from attrs import frozen

from rta.auth.settings import AuthSettings
from rta.ports.access import Role

__all__ = ["RoleRules", "role_of_claims"]

_MOST = 1000  # values of a claim that are looked at
_ABSENT = object()


@frozen
class RoleRules:
    """Which values of which claim stand for which role."""

    claim: str | None
    readers: frozenset[str]
    operators: frozenset[str]
    administrators: frozenset[str]

    @classmethod
    def of(cls, settings: AuthSettings) -> RoleRules:
        """As they are configured."""
        readers, operators = frozenset(settings.readers), frozenset(settings.operators)
        return cls(settings.roles_claim, readers, operators, frozenset(settings.administrators))


def role_of_claims(claims: Mapping[str, Any], rules: RoleRules) -> Role | None:
    """The greatest role that the claims give; None: none at all."""
    values = set() if rules.claim is None else set(islice(_texts(_at(claims, rules.claim)), _MOST))
    if values & rules.administrators:
        return Role.ADMINISTER
    if values & rules.operators:
        return Role.OPERATE
    return Role.READ if not rules.readers or values & rules.readers else None


def _at(claims: Any, path: str) -> Any:
    """What is at a path. A name may have dots itself, as those that are URLs do: the whole rest of the path is tried
    first."""
    while isinstance(claims, Mapping):
        found = claims.get(path, _ABSENT)
        if found is not _ABSENT:
            return found
        name, dot, path = path.partition(".")
        claims = claims.get(name) if dot else None
    return None


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        return value.split()
    if isinstance(value, list | Mapping):
        return (one for one in value if isinstance(one, str))
    return ()
