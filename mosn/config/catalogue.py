"""Every code that a finding can have.  A code keeps its meaning for ever; a retired one moves to RETIRED.

docs/reference/findings.md is written from this table (a test compares), and `mosn explain` prints from it.
"""

from __future__ import annotations

from dataclasses import dataclass

from mosn.errors import Severity


@dataclass(frozen=True, slots=True)
class Code:
    code: str
    severity: Severity
    title: str
    paragraph: str


def _codes(*rows: tuple[str, Severity, str, str]) -> dict[str, Code]:
    return {row[0]: Code(*row) for row in rows}


CATALOGUE: dict[str, Code] = _codes(
    # -- the file
    ("MC0001", "error", "file cannot be read",
     "The file does not exist, is not a regular file, may not be read by this user, is not UTF-8 text, or is larger "
     "than 64 MiB."),
    ("MC0002", "error", "not YAML or JSON",
     "The text breaks the rules of its format. A file whose name ends in .json is read as JSON, one that ends in .yaml "
     "or .yml as YAML, any other as JSON when it begins with a brace. A configuration is one document."),
    ("MC0003", "error", "too deep or too repetitive",
     "Values are nested deeper than 100 levels, YAML aliases repeat more than 100,000 values, or the file has more "
     "than four million. These are limits against files that grow without bound when they are read."),
    ("MC0004", "error", "key given twice",
     "The same key stands twice in one mapping, perhaps once in snake_case and once in camelCase. Which of the two is "
     "meant cannot be known, so neither is preferred. (Envoy takes the last one.)"),
    ("MC0005", "error", "not a configuration",
     "The file is empty, or its top level is not a mapping. A configuration is an Envoy bootstrap (static_resources, "
     "admin, node, ...) or a MOSN configuration (servers, cluster_manager, ...)."),
    # -- fields
    ("MC0101", "error", "unknown field",
     "The message has no field of this name. Names are those of Envoy's v3 API, in snake_case or camelCase. A field at "
     "the wrong indentation is the usual cause besides a misspelling."),
    ("MC0102", "error", "wrong type",
     "The value has another type than the field. In YAML, an unquoted yes, no, on, off, y, n, true or false is a "
     "boolean and an unquoted 80 a number: put text that looks like either in quotes."),
    ("MC0103", "error", "unknown enumeration value",
     "The field takes one of a few words, written in capitals as in Envoy's API."),
    ("MC0104", "error", "bad duration",
     'A duration is a number of seconds followed by "s", with at most nine decimals: "5s", "0.25s". Other units '
     "(ms, m, h) are not part of the format."),
    ("MC0105", "error", "number out of range",
     "The number does not fit the field's type: it is negative in an unsigned field, or has too many bits."),
    ("MC0106", "error", "fields exclude each other",
     "The two fields are alternatives: setting one of them clears the other, so only one may stand in the file."),
    ("MC0107", "error", "type of a typed_config missing",
     'A typed_config says in "@type" which message it is, as a URL: '
     '"type.googleapis.com/envoy.extensions.filters.http.router.v3.Router".'),
    ("MC0108", "error", "required field missing",
     "The API requires this field, or one field of this group."),
    ("MC0109", "error", "value not allowed",
     "The value breaks a rule that Envoy's API states for the field (a minimum, a maximum, a pattern, a set of values, "
     "a length). Envoy rejects it too."),
    # -- what is implemented
    ("MC0201", "warning", "field not implemented",
     "The field is part of Envoy's API but this version does nothing with it: the configuration runs as if it were not "
     "there. docs/reference/configuration.md lists what is implemented. With --strict this is an error."),
    ("MC0202", "error", "extension not implemented",
     "The typed_config names an extension that is unknown or that this version does not have. Running without it could "
     "let through what it was to stop, so the configuration is refused, as Envoy refuses an extension that it was "
     "built without. An HTTP filter with is_optional: true is skipped instead."),
    ("MC0203", "warning", "optional extension skipped",
     "The filter is not available but is marked is_optional, so traffic passes without it."),
    ("MC0204", "error", "value not implemented",
     "The field is implemented but not this value of it, and running with another value would treat traffic "
     "differently from what the file says."),
    ("MC0205", "note", "no effect here",
     "The field is understood and needs no action in this program; the text says why. Notes do not change the exit "
     "code."),
    ("MC0206", "warning", "deprecated field",
     "Envoy marks the field as deprecated and will remove it; it still works. Its API documentation names the "
     "successor."),
    ("MC0207", "error", "field removed by Envoy",
     "Envoy refuses this deprecated field unless a runtime switch allows it, and so does this program."),
    # -- meaning
    ("MC0301", "error", "name used twice",
     "Two clusters, listeners, filter chains or virtual hosts have the same name; references and statistics could not "
     "tell them apart."),
    ("MC0302", "error", "domain used twice",
     "A domain may belong to one virtual host of a route configuration. Domains are compared without regard to case."),
    ("MC0303", "warning", "odd domain",
     'A domain is a host name, "*", or a name with one asterisk at its beginning or end ("*.example.com", "api.*").'),
    ("MC0304", "error", "unknown cluster",
     "The route sends requests to a cluster that does not exist. Routes that are written in the file are checked "
     "(validate_clusters is true for them unless set to false)."),
    ("MC0305", "error", "bad regular expression",
     "The expression is not valid RE2 syntax. RE2 has no look-around and no back-references, so that matching takes "
     "linear time."),
    ("MC0306", "error", "bad format string",
     "The text has a command operator (%NAME(argument):length%) that does not exist or is not closed. A literal "
     "percent sign is written %%."),
    ("MC0307", "error", "filters in a wrong order",
     "The last HTTP filter must be the router, and the last network filter of a chain one that ends the connection "
     "(http_connection_manager, tcp_proxy); neither may stand earlier, and there must be one."),
    ("MC0308", "error", "bad address",
     "A socket address of a listener, a static endpoint or a bind configuration is an IP address and a port below "
     "65536; host names belong into clusters of type STRICT_DNS or LOGICAL_DNS. A CIDR range is an IP address and "
     "a prefix length that fits its family."),
    ("MC0309", "error", "address used twice",
     "Two listeners are bound to the same address."),
    ("MC0310", "error", "filter chains match alike",
     "Two filter chains of a listener have the same matching rules, so the second could never be chosen."),
    ("MC0311", "error", "weights are impossible",
     "The weights of a list of clusters must add up to at least one and at most 4,294,967,295."),
    ("MC0312", "error", "header may not be changed",
     'Pseudo headers (":path", ":authority", ...) and "host" cannot be added or removed by header operations; rewrites '
     "exist for them."),
    ("MC0313", "warning", "unknown retry condition",
     "retry_on is a comma-separated list of Envoy's conditions (5xx, gateway-error, reset, connect-failure, "
     "retriable-4xx, refused-stream, retriable-status-codes, retriable-headers, cancelled, deadline-exceeded, "
     "internal, resource-exhausted, unavailable ...). An unknown one never retries anything."),
    ("MC0314", "error", "listener without filter chains",
     "A listener must have at least one filter chain or a default filter chain to know what to do with connections."),
    ("MC0315", "error", "fields do not fit together",
     "Each field is valid but the combination is not; the text says which and why."),
    ("MC0316", "warning", "cluster does not exist",
     "A connection or mirrored request would be sent to a cluster that is not in the configuration. It is refused when "
     "it happens (response flag NC)."),
    ("MC0317", "error", "data source cannot be read",
     "A file or environment variable that a field refers to is missing, unreadable, or too large."),
    ("MC0318", "error", "too many resources",
     "Shared memory has no room for the statistics of another listener, cluster or host. Blocks of resources that are "
     "gone are used again after a restart."),
    ("MC0319", "error", "TLS context cannot be used",
     "A certificate, a private key, a list of ciphers or another part of a TLS context is missing or not accepted by "
     "OpenSSL: not in PEM form, a key that is not the certificate's, an unknown name."),
    ("MC0320", "warning", "TLS context is weak or out of date",
     "A certificate has expired, will soon, or is not valid yet; or any client certificate will do."),
    # -- MOSN's own JSON
    ("MC0401", "warning", "unknown MOSN key",
     "MOSN's configuration has no such key at this place; MOSN ignores it without a word."),
    ("MC0402", "error", "wrong value in a MOSN configuration",
     "The value has another type than MOSN's key, or is not one of its words."),
    ("MC0403", "warning", "not carried over from MOSN",
     "The key works in MOSN but has no counterpart here; the configuration runs without it. docs/mosn-json.md lists "
     "what is translated and to what."),
    ("MC0404", "error", "MOSN protocol not available yet",
     "The proxy filter names an RPC protocol that this version does not carry as a protocol. Use tcp_proxy to pass its "
     "connections through unchanged."),
    ("MC0405", "error", "MOSN feature not available",
     "The filter, condition or transport has no counterpart here, and leaving it out would change which traffic passes "
     "or where it goes."),
    ("MC0406", "note", "translated with a difference",
     "The key was translated, but behaviour differs from MOSN's in the way that the text describes."),
    # -- declarations of protocols
    ("MC0501", "error", "unknown key in a declaration",
     "The declaration of a protocol has no such key at this place; docs/reference/protocol-declarations.md has them."),
    ("MC0502", "error", "wrong value in a declaration",
     "The value has another type than the key of the declaration, or is not one of its words. Bytes are written in "
     "hexadecimal, numbers in decimal or with 0x."),
    ("MC0503", "error", "no such field in a declaration",
     "Sizes, conditions and roles name fields of the frame. A size or a condition can only use a field that stands "
     "before it on the wire."),
    ("MC0504", "error", "declaration lacks something",
     "A protocol needs fields, an id, what a request and what a response is, and the reply that the sidecar gives "
     "itself."),
    ("MC0505", "error", "declaration cannot work",
     "The parts of the declaration contradict each other, or what they describe cannot be proxied: an id of less than "
     "32 bits, for example, comes round before late answers have come."),
)  # fmt: skip

RETIRED: dict[str, str] = {}
"""Codes that are no longer given out, with what replaced them.  Never reuse one."""
