"""The `[auth]` table: what contradicts itself is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from rta.auth.static_tokens import change_tokens
from rta.config import build_config, check_config
from rta.errors import ConfigError
from rta.site import Site

ISSUER = {"authority": "https://issuer.example.com", "audience": "rta"}


def problems(auth, **site):
    try:
        config = build_config({"auth": auth, **site}, {})
    except ConfigError as e:
        return e.problems
    return check_config(config, Site(config).context)


def test_without_it_nobody_has_to_sign_in():
    config = build_config({}, {})
    assert not config.auth.enabled
    assert problems({}) == []


@pytest.mark.parametrize(
    ("auth", "key"),
    [
        ({"authority": "https://issuer.example.com"}, "audience"),
        ({"audience": "rta"}, "audience"),
        ({"client_id": "page"}, "client_id"),
        ({"authority": "http://issuer.example.com", "audience": "rta"}, "authority"),
        ({"authority": "https://u:p@issuer.example.com", "audience": "rta"}, "authority"),
        ({"authority": "https://issuer.example.com?a", "audience": "rta"}, "authority"),
        ({"authority": "issuer.example.com", "audience": "rta"}, "authority"),
        ({"authority": "https://a..b", "audience": "rta"}, "authority"),
        ({**ISSUER, "audience": ""}, "audience"),
        ({**ISSUER, "algorithms": ["HS256"]}, "algorithms[0]"),
        ({**ISSUER, "algorithms": ["RS256", "none"]}, "algorithms[1]"),
        ({**ISSUER, "algorithms": []}, "algorithms"),
        ({**ISSUER, "leeway": "10min"}, "leeway"),
        ({**ISSUER, "readers": ["viewer"]}, "readers"),
        ({**ISSUER, "refresh": "1s"}, "refresh"),
        ({**ISSUER, "keep_keys": "1min"}, "keep_keys"),
        ({"origins": ["*"]}, "origins"),
        ({"origins": ["https://rta.example.com/page"]}, "origins"),
        ({"origins": ["rta.example.com"]}, "origins"),
        ({"certificates": {"anna": "read"}}, "certificates"),
        ({"certificates": {"CN=anna": "root"}}, 'certificates."CN=anna"'),
        ({"anonymous": "administer"}, "anonymous"),
        ({"metrics": "nobody"}, "metrics"),
    ],
)
def test_what_cannot_be_is_one_problem_at_its_place(auth, key):
    [line] = problems(auth)
    assert line.startswith(f"auth.{key}: ")
    assert "u:p" not in line


def test_sign_in_by_which_nobody_could_sign_in_is_a_problem(tmp_path):
    site = {"site": {"state_dir": str(tmp_path)}}
    [line] = problems({"enabled": True}, **site)
    assert line.startswith("auth.enabled: expected auth.authority and auth.audience, or a token that `rta token add`")
    assert problems({"enabled": True, **ISSUER}, **site) == []
    assert problems({"enabled": True, "certificates": {"CN=anna": "read"}}, **site) == []
    with change_tokens(tmp_path / "tokens.json"):
        pass
    assert problems({"enabled": True}, **site) == []


def test_static_tokens_are_with_the_state_or_where_it_is_said():
    assert build_config({"site": {"state_dir": "/s"}}, {}).tokens_file == Path("/s/tokens.json")
    assert build_config({"auth": {"tokens_file": "t.json"}}, {}, Path("/etc/rta/site.toml")).tokens_file == Path(
        "/etc/rta/t.json"
    )
    assert build_config({}, {"HOME": "/home/u"}).tokens_file == Path("/home/u/.local/state/rta/tokens.json")
    assert build_config({}, {}).tokens_file is None


@pytest.mark.parametrize(("size", "wrong"), [(None, True), (31, True), (32, False), (4096, False), (4097, True)])
def test_a_key_for_tickets_has_a_sensible_size(tmp_path, size, wrong):
    path = tmp_path / "key"
    if size is not None:
        path.write_bytes(b"k" * size)
    found = problems({"enabled": True, **ISSUER, "ticket_key_file": str(path)})
    assert bool(found) == wrong
    assert all(line.startswith("auth.ticket_key_file: ") for line in found)


def test_an_issuer_without_sign_in_is_a_warning():
    assert build_config({"auth": ISSUER}, {}).warnings == [
        "auth.authority has no effect: auth.enabled is false, and nobody has to sign in"
    ]


def test_the_reference_s_variables_configure_it():
    environ = {
        "RTA_EnableAuth": "true",
        "RTA_Auth__Authority": "https://issuer.example.com",
        "RTA_Auth__Audience": "rta",
    }
    auth = build_config({}, environ).auth
    assert (auth.enabled, auth.authority, auth.audience) == (True, "https://issuer.example.com", "rta")
