"""Signing in as a person or a program: the flows at an OAuth 2 issuer, and tokens that are kept until the next time.

Knows nothing of the terminal.
"""

from rta.login.callback import Callback
from rta.login.code_flow import sign_in_by_browser
from rta.login.device_flow import DevicePrompt, sign_in_by_device
from rta.login.issuer import IssuerClient, IssuerRefusal, SignInOffer
from rta.login.kept_token import KeptToken, TokenKeeper
from rta.login.renewal import FileTokens, KeptTokens, given_token
from rta.login.token_answer import GrantedToken

__all__ = [
    "Callback",
    "DevicePrompt",
    "FileTokens",
    "GrantedToken",
    "IssuerClient",
    "IssuerRefusal",
    "KeptToken",
    "KeptTokens",
    "SignInOffer",
    "TokenKeeper",
    "given_token",
    "sign_in_by_browser",
    "sign_in_by_device",
]
