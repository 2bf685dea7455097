"""String, header, query and path matchers, and fractions."""

from __future__ import annotations

from typing import Any, Literal

from mosn.config.lower.context import Context, wrapped
from mosn.model import Fraction, HeaderMatcher, PathMatcher, QueryMatcher, RegexRewrite, RouteMatch, StringMatcher

StringKind = Literal["exact", "prefix", "suffix", "contains", "regex"]
_DENOMINATORS: dict[str, Literal[100, 10_000, 1_000_000]] = {
    "HUNDRED": 100, "TEN_THOUSAND": 10_000, "MILLION": 1_000_000,
}  # fmt: skip
_DENOMINATOR_NAMES = ("HUNDRED", "TEN_THOUSAND", "MILLION")
_HEADER_STRINGS: dict[str, StringKind] = {
    "exact_match": "exact", "prefix_match": "prefix", "suffix_match": "suffix", "contains_match": "contains",
}  # fmt: skip
_PATH_KINDS = ("prefix", "path", "path_separated_prefix")


def string_matcher(kind: StringKind, value: str, ignore_case: bool = False) -> StringMatcher:
    return {"kind": kind, "value": value, "ignore_case": ignore_case}


def lower_string(ctx: Context, matcher: Any, path: str) -> StringMatcher:
    kind = matcher.WhichOneof("match_pattern")
    if kind == "safe_regex":
        if matcher.ignore_case:
            hint = 'begin the expression with "(?i)"'
            ctx.report("MC0315", f"{path}.ignore_case", "has no effect on safe_regex", hint=hint)
        return string_matcher("regex", ctx.regex(matcher.safe_regex.regex, f"{path}.safe_regex.regex"))
    if kind in ("exact", "prefix", "suffix", "contains"):
        return string_matcher(kind, getattr(matcher, kind), matcher.ignore_case)
    return string_matcher("exact", "")


def lower_header(ctx: Context, matcher: Any, path: str) -> HeaderMatcher:
    result: HeaderMatcher = {
        "name": matcher.name.lower(),
        "kind": "present",
        "present": True,
        "string": None,
        "range_start": 0,
        "range_end": 0,
        "invert": matcher.invert_match,
        "treat_missing_as_empty": matcher.treat_missing_header_as_empty,
    }
    kind = matcher.WhichOneof("header_match_specifier")
    if kind == "present_match":
        result["present"] = matcher.present_match
    elif kind == "range_match":
        result["kind"] = "range"
        result["range_start"], result["range_end"] = matcher.range_match.start, matcher.range_match.end
    elif kind is not None:
        result["kind"] = "string"
        result["string"] = _header_string(ctx, matcher, kind, path)
    return result


def _header_string(ctx: Context, matcher: Any, kind: str, path: str) -> StringMatcher:
    if kind == "string_match":
        return lower_string(ctx, matcher.string_match, f"{path}.string_match")
    if kind == "safe_regex_match":
        regex = ctx.regex(matcher.safe_regex_match.regex, f"{path}.safe_regex_match.regex")
        return string_matcher("regex", regex)
    return string_matcher(_HEADER_STRINGS[kind], getattr(matcher, kind))


def lower_headers(ctx: Context, matchers: Any, path: str) -> list[HeaderMatcher]:
    return [lower_header(ctx, matcher, f"{path}[{index}]") for index, matcher in enumerate(matchers)]


def _query(ctx: Context, matcher: Any, path: str) -> QueryMatcher:
    string = None
    kind = matcher.WhichOneof("query_parameter_match_specifier")
    if kind == "string_match":
        string = lower_string(ctx, matcher.string_match, f"{path}.string_match")
    return {"name": matcher.name, "present": kind != "present_match" or matcher.present_match, "string": string}


def fraction_of(percent: Any) -> Fraction:
    """An envoy.type.v3.FractionalPercent."""
    return {"numerator": percent.numerator, "denominator": _denominator(percent.denominator)}


def _denominator(number: int) -> Literal[100, 10_000, 1_000_000]:
    return _DENOMINATORS[_DENOMINATOR_NAMES[number if 0 <= number < 3 else 0]]


def runtime_fraction(ctx: Context, percent: Any) -> Fraction:
    """A RuntimeFractionalPercent: the runtime's value under its key, else its default."""
    value = ctx.runtime.get(percent.runtime_key) if percent.runtime_key else None
    return runtime_percent(value) or fraction_of(percent.default_value)


def runtime_percent(value: Any) -> Fraction | None:
    """A runtime value as a fraction: a number is a percentage."""
    if isinstance(value, dict):
        return {"numerator": int(value["numerator"]), "denominator": _DENOMINATORS.get(value["denominator"], 100)}
    if isinstance(value, float) and 0 <= value <= 100:
        return {"numerator": int(value), "denominator": 100}
    return None


def lower_path(ctx: Context, match: Any, path: str) -> PathMatcher:
    kind = match.WhichOneof("path_specifier")
    case_sensitive = wrapped(match, "case_sensitive", True)
    if kind in _PATH_KINDS:
        return {"kind": kind, "value": getattr(match, kind), "case_sensitive": case_sensitive}
    if kind == "safe_regex":
        regex = ctx.regex(match.safe_regex.regex, f"{path}.safe_regex.regex")
        return {"kind": "regex", "value": regex, "case_sensitive": case_sensitive}
    if kind == "connect_matcher":
        return {"kind": "connect", "value": "", "case_sensitive": True}
    return {"kind": "prefix", "value": "/", "case_sensitive": True}


def lower_match(ctx: Context, match: Any, path: str) -> RouteMatch:
    fraction = runtime_fraction(ctx, match.runtime_fraction) if match.HasField("runtime_fraction") else None
    return {
        "path": lower_path(ctx, match, path),
        "headers": lower_headers(ctx, match.headers, f"{path}.headers"),
        "query": [_query(ctx, item, f"{path}.query_parameters[{n}]") for n, item in enumerate(match.query_parameters)],
        "grpc": match.HasField("grpc"),
        "fraction": fraction,
    }


def lower_rewrite(ctx: Context, rewrite: Any, path: str) -> RegexRewrite:
    """A RegexMatchAndSubstitute."""
    pattern = ctx.regex(rewrite.pattern.regex, f"{path}.pattern.regex")
    return {"pattern": pattern, "substitution": rewrite.substitution}
