"""Envoy YAML from messages, in a form that yaml-cpp (which Envoy uses) reads back as the same values."""

from __future__ import annotations

from typing import Any

import yaml

from mosn.config.nodes import plain_value


class _Dumper(yaml.CSafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.CSafeDumper, value: str) -> yaml.ScalarNode:
    """Quoted where a bare word would be a boolean or a number to Envoy."""
    tag = "tag:yaml.org,2002:str"
    style = "'" if plain_value(value) != value else "|" if "\n" in value else None
    return dumper.represent_scalar(tag, value, style=style)


_Dumper.add_representer(str, _text)


def to_yaml_text(content: dict[str, Any]) -> str:
    """`content` as JSON-able data; keys keep their order."""
    text: str = yaml.dump(plain(content), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return text


def plain(value: Any) -> Any:
    """Dicts, lists and whole numbers (protobuf's JSON writer makes OrderedDict and 5.0)."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)  # "5.0" would be text to yaml-cpp
    return value
