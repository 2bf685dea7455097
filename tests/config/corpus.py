"""Where the corpus of configurations is, and how its files are loaded."""

from __future__ import annotations

from pathlib import Path

from mosn import config
from mosn.config.load import LoadedConfig

CORPUS = Path(__file__).parents[1] / "corpus" / "config"


def configurations(folder: str) -> list[Path]:
    return sorted(path for path in (CORPUS / folder).iterdir() if path.suffix != ".expect" and path.suffix[1:])


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def findings_of(path: Path) -> str:
    """One line a finding, with the file's bare name, as `mosn check` run beside the file prints them."""
    loaded = config.load_file(path)
    return "".join(str(finding).replace(str(path), path.name, 1) + "\n" for finding in loaded.findings)


def load_yaml(text: str, name: str = "test.yaml") -> LoadedConfig:
    return config.load_text(text, name)


def codes(loaded: LoadedConfig) -> list[str]:
    return [finding.code for finding in loaded.findings]


def http_listener(route_config: str, manager: str = "") -> str:
    """A bootstrap with one HTTP listener; both parts are YAML in flow style.  Clusters a and b exist."""
    return f"""
static_resources:
  listeners:
  - name: ingress
    address: {{socket_address: {{address: 0.0.0.0, port_value: 8080}}}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: ingress
          route_config: {route_config}
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {{"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}
          {manager}
  clusters: [{{name: a}}, {{name: b}}]
"""


def one_route(route: str) -> str:
    """A route configuration with this route."""
    return f'{{virtual_hosts: [{{name: all, domains: ["*"], routes: [{route}]}}]}}'
