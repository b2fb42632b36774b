"""A thousand tokens a second, each with a key id that nobody knows: the issuer is not to be asked for each."""

from scripts.attacks.wrong_tokens import flood_with

__all__ = ["ATTACK"]

ATTACK = flood_with(unknown=True)
