"""Signing in: tokens of an issuer, static tokens, tickets and certificates become subjects with a role."""

from rta.auth.origins import Origins
from rta.auth.settings import AuthSettings
from rta.auth.sign_in import SignIn, SignInContext

__all__ = ["AuthSettings", "Origins", "SignIn", "SignInContext"]
