"""The files in deploy/ as far as they can be checked without Docker, Kubernetes and systemd."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import textwrap
from configparser import RawConfigParser
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import pytest
import yaml

from rta import __version__
from rta.cli import cli
from rta.config import Config, load_config
from rta.health import Health
from rta.rest import Service, make_app

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
DOCKER = DEPLOY / "docker"
PROXY = DOCKER / "haproxy.cfg"
UNIT = DEPLOY / "systemd" / "rta.service"
YAML = sorted(DEPLOY.rglob("*.yaml"))


def site_of_kubernetes() -> str:
    """The TOML within the ConfigMap."""
    text = (DEPLOY / "kubernetes" / "configmap.yaml").read_text()
    return textwrap.dedent(text.partition("site.toml: |\n")[2])


@pytest.fixture
def configurations(tmp_path) -> dict[str, Config]:
    """Every configuration that comes with a deployment, loaded."""
    inner = tmp_path / "kubernetes.toml"
    inner.write_text(site_of_kubernetes())
    files = {"edge": DOCKER / "edge.toml", "demo": DOCKER / "demo.toml", "kubernetes": inner}
    return {name: load_config(file, {}) for name, file in files.items()}


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


# ---- configurations


def test_whoever_connects_has_to_sign_in_and_the_one_warning_is_that_tls_is_elsewhere(configurations):
    for config in configurations.values():
        assert config.auth.enabled
        assert config.auth.anonymous == "nothing"
        [warning] = config.warnings
        assert "there is no TLS" in warning
        assert "sign in" not in warning
        assert config.buffer.transport == "redis"


def test_edges_behind_one_name_share_the_key_of_tickets(configurations):
    compose = (DOCKER / "compose.yaml").read_text()
    edge = configurations["edge"].auth
    assert f">{edge.ticket_key_file}" in compose
    assert {edge.ticket_key_file.parent, edge.tokens_file.parent} == {Path("/var/lib/rta")}
    assert compose.count("- access:/var/lib/rta\n") == 3
    deployment = (DEPLOY / "kubernetes" / "deployment.yaml").read_text()
    assert f"mountPath: {configurations['kubernetes'].auth.ticket_key_file.parent}\n" in deployment


def test_only_the_proxy_says_what_a_client_has_asked_for():
    text = PROXY.read_text()
    for header in ("X-Forwarded-For", "Forwarded"):
        assert f"http-request del-header {header}\n" in text
    for header in ("X-Forwarded-Host", "X-Forwarded-Proto"):
        assert f"http-request set-header {header} " in text


def test_they_can_be_reached_from_other_containers(configurations):
    assert {config.edge.options.host for config in configurations.values()} == {"0.0.0.0"}
    assert {config.edge.options.port for config in configurations.values()} == {8180}


def test_who_is_killed_has_had_the_time_for_an_orderly_end(configurations):
    compose = (DOCKER / "compose.yaml").read_text()
    deployment = (DEPLOY / "kubernetes" / "deployment.yaml").read_text()
    [compose_grace] = re.findall(r"stop_grace_period: (\d+s)", compose)
    assert seconds(compose_grace) > configurations["edge"].site.grace + 10
    [pod_grace] = re.findall(r"terminationGracePeriodSeconds: (\d+)", deployment)
    [pause] = re.findall(r'command: \["sleep", "(\d+)"\]', deployment)
    assert int(pod_grace) > int(pause) + configurations["kubernetes"].site.grace + 10
    assert (
        seconds(unit()["Service"]["TimeoutStopSec"]) > load_config(ROOT / "config" / "redis.toml", {}).site.grace + 10
    )


def test_there_are_descriptors_for_every_connection(configurations):
    most = max(config.edge.options.max_connections for config in configurations.values())
    assert int(unit()["Service"]["LimitNOFILE"]) > most
    assert all(int(n) > most for n in re.findall(r"nofile: (\d+)", (DOCKER / "compose.yaml").read_text()))


def test_the_trusted_network_is_that_of_compose(configurations):
    [subnet] = re.findall(r"subnet: (\S+)", (DOCKER / "compose.yaml").read_text())
    assert configurations["edge"].edge.options.trusted_proxies == [subnet]


def test_every_link_of_the_page_leads_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", (DEPLOY / "README.md").read_text())
    assert links
    assert [link for link in links if not (DEPLOY / link).exists()] == []


# ---- YAML


@pytest.mark.parametrize("file", YAML, ids=lambda p: p.name)
def test_yaml_is_indented_by_spaces_in_twos(file):
    """There is no parser among our packages; this is what is most often wrong."""
    for number, line in enumerate(file.read_text().splitlines(), 1):
        indent = len(line) - len(line.lstrip())
        assert "\t" not in line, f"line {number}"
        assert line == line.rstrip(), f"line {number}"
        assert indent % 2 == 0, f"line {number}"


@pytest.mark.parametrize("file", YAML, ids=lambda p: p.name)
def test_yaml_parses(file):
    assert all(isinstance(document, dict) for document in yaml.safe_load_all(file.read_text()))


def test_the_manifests_are_about_the_same_pods():
    for file in (DEPLOY / "kubernetes").glob("*.yaml"):
        text = file.read_text()
        assert set(re.findall(r"app\.kubernetes\.io/name: (\S+)", text)) <= {"telemetry-edge"}
        assert "\n  name: telemetry-edge\n" in text


def test_every_file_means_the_same_image():
    written = "".join(path.read_text() for path in [DOCKER / "Dockerfile", *YAML])
    assert set(re.findall(r"(?:-t|image:) (rta\S*)", written)) == {f"rta:{__version__}"}


def test_no_service_is_called_as_our_variables_are():
    names = re.findall(r"^  name: (\S+)$", (DEPLOY / "kubernetes" / "service.yaml").read_text(), re.MULTILINE)
    assert names
    assert not any(name.casefold().startswith("rta") for name in names)
    assert "enableServiceLinks: false" in (DEPLOY / "kubernetes" / "deployment.yaml").read_text()


def test_the_probes_ask_for_what_there_is():
    text = (DEPLOY / "kubernetes" / "deployment.yaml").read_text()
    probes = dict(re.findall(r"(\w+)Probe:\n\s+httpGet:\n\s+path: (\S+)", text))
    assert probes == {"liveness": "/", "readiness": "/health", "startup": "/"}


# ---- Docker


def test_the_files_that_compose_mounts_and_builds_from_exist():
    text = (DOCKER / "compose.yaml").read_text()
    mounts = re.findall(r"- (\.\S*?):", text)
    assert len(mounts) >= 4
    for path in [*mounts, *re.findall(r"context: (\S+)", text)]:
        assert (DOCKER / path).exists(), path
    for path in re.findall(r"dockerfile: (\S+)", text):
        assert (ROOT / path).exists(), path


def test_the_recording_of_the_demo_is_mounted_where_it_is_read(configurations):
    [mounted] = re.findall(r"- (\S+):/data:ro", (DOCKER / "compose.yaml").read_text())
    [source] = configurations["demo"].sources
    path = Path(source.options.path)
    assert path.parent == Path("/data")
    assert (DOCKER / mounted / path.name).is_file()


def copied() -> list[str]:
    """What the Dockerfile takes from the repository."""
    lines = re.findall(r"^COPY (.+)$", (DOCKER / "Dockerfile").read_text(), re.MULTILINE)
    return [source for line in lines if not line.startswith("--from") for source in shlex.split(line)[:-1]]


def test_the_dockerfile_copies_what_exists():
    assert {"requirements.lock", "pyproject.toml", "rta", "transports", "config"} <= set(copied())
    for path in copied():
        assert (ROOT / path).exists(), path


def test_what_is_copied_is_not_ignored():
    lines = (DOCKER / "Dockerfile.dockerignore").read_text().splitlines()
    assert {line[1:] for line in lines if line.startswith("!")} == set(copied())


def test_the_image_is_not_run_by_root_and_checks_hashes():
    text = (DOCKER / "Dockerfile").read_text()
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", text, re.MULTILINE)
    assert "--require-hashes" in text
    assert "HEALTHCHECK" in text


def test_commands_that_are_run_exist():
    written = (DOCKER / "compose.yaml").read_text() + (DEPLOY / "kubernetes" / "deployment.yaml").read_text()
    first = set(re.findall(r'(?:args|command): \["(\w+)", "--config"', written))
    assert first == {"run"}
    assert cli.get_command(cli.make_context("rta", ["--help"], resilient_parsing=True), "run") is not None


def test_the_proxy_sends_clients_to_the_edges_that_there_are():
    compose, proxy = (DOCKER / "compose.yaml").read_text(), PROXY.read_text()
    services = set(re.findall(r"^  ([\w-]+):(?: &\w+)?$", compose.partition("\nservices:")[2], re.MULTILINE))
    servers = re.findall(r"^    server (\S+) (\S+):8180$", proxy, re.MULTILINE)
    assert {host for _, host in servers} == {name for name in services if name.startswith("edge-")} != set()


def hidden(path: str) -> bool:
    """Whether the proxy denies a path: its one rule, carried out as HAProxy does."""
    [rule] = re.findall(r"^    http-request deny deny_status 404 if \{ (.+) \}$", PROXY.read_text(), re.MULTILINE)
    given = re.fullmatch(r"path,url_dec -m reg -i (\S+)", rule)
    assert given, rule
    return re.search(given[1], unquote(path), re.IGNORECASE) is not None


@pytest.mark.parametrize(
    "path",
    ["/metrics", "//metrics", "/metrics/", "///metrics//", "/%6Detrics", "/metrics%2f", "%2Fmetrics", "/METRICS"],
)
def test_the_proxy_hides_metrics_however_they_are_spelt(path):
    assert hidden(path)


@pytest.mark.parametrize("path", ["/", "/health", "/rta/v2/sessions", "/rta/v2/sessions/metrics", "/base/rta/v2/info"])
def test_the_proxy_hides_nothing_else(path):
    assert not hidden(path)


async def test_the_proxy_hides_every_path_at_which_the_service_has_metrics():
    before = ("/", "//", "///", "/./", "/x/../", "/%2f", "/rta/v2/", "/rta/v2/../", "http://host/", "*", "")
    names = ("metrics", "%6detrics", "METRICS")
    after = ("", "/", "//", "/.", "%2f", ";x", "/;x", "#x", "%00", "%0a", "\\")
    found = [path for path in map("".join, product(before, names, after)) if await answers(path)]
    assert "/metrics" in found
    assert [path for path in found if not hidden(path)] == []


async def answers(path: str) -> bool:
    """Whether the service has something at a path."""
    empty: Any = SimpleNamespace(sessions=None)
    service = Service(label="", description="", host="", buffer=empty, health=Health(), metrics=no_metrics)
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asked = {"type": "http", "method": "GET", "path": unquote(path), "raw_path": path.encode(), "query_string": b""}
    await make_app(service)({**asked, "headers": []}, receive, send)
    return sent[0]["status"] != 404


async def no_metrics() -> bytes:
    return b""


@pytest.mark.processes
def test_the_health_check_says_why(monkeypatch):
    """Nobody listens there."""
    checked = subprocess.run(
        [sys.executable, DOCKER / "healthcheck.py"], env={"RTA_EDGE__PORT": "1"}, capture_output=True, text=True
    )
    assert (checked.returncode, checked.stdout) == (1, "")
    assert checked.stderr.startswith("no answer: ")


# ---- systemd


def unit() -> RawConfigParser:
    parser = RawConfigParser(strict=True, comment_prefixes=("#", ";"), delimiters=("=",))
    parser.optionxform = str
    parser.read_string(UNIT.read_text())
    return parser


def test_the_unit_has_no_rights_and_comes_back():
    service = unit()["Service"]
    for name in ("DynamicUser", "NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices"):
        assert service[name] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert service["Restart"] == "on-failure"
    assert service["RestartPreventExitStatus"] == "2"
    assert service["KillSignal"] == "SIGTERM"


def test_the_unit_may_write_where_its_page_says_the_state_is():
    told = re.search(r'state_dir = "/var/lib/(\w+)"', UNIT.read_text())
    assert told
    assert unit()["Service"]["StateDirectory"] == told[1]


def test_the_unit_calls_commands_that_exist():
    service = unit()["Service"]
    for name, command in (("ExecStartPre", "check"), ("ExecStart", "run")):
        assert shlex.split(service[name]) == ["/opt/rta/bin/rta", command, "--config", "/etc/rta/site.toml"]
