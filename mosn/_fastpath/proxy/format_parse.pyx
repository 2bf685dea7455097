"""Format strings to steps (interface: format_parse.pxd).

The grammar is Envoy's: %NAME%, %NAME(argument)%, %NAME(argument):LENGTH%, and %% for a percent sign.
"""

import json
import os
import re
import socket

from mosn._fastpath.proxy.format_ops cimport (
    ADDRESS_PORT, ADDRESS_WHOLE, ADDRESS_WITHOUT_PORT, CURRENT, GRPC_CAMEL, GRPC_NUMBER, GRPC_SNAKE, HOST_FIRST,
    OP_ABSENT, OP_ADDRESS, OP_ATTEMPTS, OP_COALESCE, OP_COUNT, OP_DIFFERENCE, OP_DURATION, OP_FLAGS, OP_GRPC_STATUS,
    OP_HEAD_BYTES, OP_LITERAL, OP_LOG_TYPE, OP_PATH, OP_PROTOCOL, OP_QUERY, OP_QUERY_PARAM, OP_REQUEST_HEADER,
    OP_REQUEST_HEADER_NO_QUERY, OP_RESPONSE_CODE, OP_RESPONSE_HEADER, OP_SERVER_NAME, OP_SLICE, OP_SPAN, OP_START_TIME,
    OP_TLS, OP_TRACE_ID, OP_TRAILER, OP_UNIQUE_ID, OP_UPSTREAM_CLUSTER, OP_UPSTREAM_HOST_NAME, OP_UPSTREAM_PROTOCOL,
    OP_UPSTREAM_REMOTE, OP_ZERO, ORIGINAL, ORIGINAL_OR_CURRENT, SNI_FIRST, SNI_ONLY,
)
from mosn._fastpath.proxy.format_values cimport field_offset
from mosn._fastpath.proxy.tls_facts cimport (
    FACT_CIPHER, FACT_GROUP, FACT_LOCAL_DNS, FACT_LOCAL_EMAIL, FACT_LOCAL_IP, FACT_LOCAL_SUBJECT, FACT_LOCAL_URI,
    FACT_PEER_CERT, FACT_PEER_DNS, FACT_PEER_EMAIL, FACT_PEER_FINGERPRINT_1, FACT_PEER_FINGERPRINT_256, FACT_PEER_IP,
    FACT_PEER_ISSUER, FACT_PEER_SERIAL, FACT_PEER_SUBJECT, FACT_PEER_URI, FACT_SESSION_ID, FACT_VERSION,
)

# Envoy's text format for access logs that name none (SubstitutionFormatUtils).
DEFAULT_LOG_FORMAT = (
    '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% '
    "%RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "
    '"%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"\n'
)

cdef object COMMAND = re.compile(r"%([A-Z0-9_]+)(?:\(([^)]*)\))?(?::([0-9]+))?%")

LONGEST_TIME_FORMAT = 128
MOST_STEPS = 4096


# -- arguments.  Each takes (name, argument) and returns the step's fields.

cdef dict _header_names(str name, argument):
    if not argument:
        raise ValueError(f"%{name}% needs a header name, as in %{name}(X-REQUEST-ID)%")
    names = argument.split("?")
    if len(names) > 2:
        raise ValueError(f"%{name}({argument})% names more than one alternative header")
    if any("\n" in part or "\0" in part for part in names):
        raise ValueError(f"%{name}% has a line end or NUL in a header name")
    fields = {"text": names[0].lower().encode()}
    if len(names) == 2:
        fields["alternative"] = names[1].lower().encode()
    return fields


cdef dict _time_format(str name, argument):
    if not argument:
        return {}
    if "\n" in argument or "\0" in argument:
        raise ValueError(f"%{name}% has a line end or NUL in its format")
    if len(argument.encode()) > LONGEST_TIME_FORMAT:
        raise ValueError(f"%{name}% has a format of more than {LONGEST_TIME_FORMAT} bytes")
    return {"text": argument.encode()}


cdef dict _mask(str name, argument):
    if not argument:
        return {}
    if not argument.isdigit() or int(argument) > 128:
        raise ValueError(f"%{name}({argument})%: the mask is a number of bits up to 32 (IPv4) or 128 (IPv6)")
    return {"second": int(argument) + 1}


cdef dict POINTS = {
    "DS_RX_BEG": "start_us", "DS_RX_END": "request_end_us", "US_TX_BEG": "upstream_first_tx_us",
    "US_TX_END": "upstream_last_tx_us", "US_RX_BEG": "upstream_first_rx_us", "US_RX_END": "upstream_last_rx_us",
    "DS_TX_BEG": "downstream_first_tx_us", "DS_TX_END": "end_us", "DS_CX_BEG": "start_us", "DS_CX_END": "end_us",
}
# What alternative_id of OP_SPAN divides microseconds by.
cdef dict PRECISIONS = {"ms": 1000, "us": 1, "ns": 0}


cdef dict _span(str name, argument):
    parts = (argument or "").split(":")
    if len(parts) != 3 or not all(parts):
        raise ValueError(f"%{name}% needs START:END:PRECISION, as in %{name}(DS_RX_BEG:DS_TX_END:ms)%")
    if parts[2] not in PRECISIONS:
        raise ValueError(f"%{name}({argument})%: the precision is ms, us or ns")
    if parts[0] not in POINTS or parts[1] not in POINTS:
        # Envoy takes other names for time points that filters set; nothing sets one here.
        return {"op": OP_ABSENT}
    return {
        "first": field_offset(POINTS[parts[0]]), "second": field_offset(POINTS[parts[1]]),
        "alternative_id": PRECISIONS[parts[2]],
    }


cdef dict _choices(str name, argument, list tables):
    # "X:Y", each optional: [(field, {word: number})].
    words = argument.split(":") if argument else []
    if len(words) > len(tables):
        raise ValueError(f"%{name}({argument})% has too many parameters")
    fields = {}
    for word, (field, table) in zip(words, tables):
        if word and word not in table:
            raise ValueError(f"%{name}({argument})%: {word!r} is none of {', '.join(table)}")
        fields[field] = table[word] if word else 0
    return fields


cdef list GRPC_FORMS = [("id", {"CAMEL_STRING": GRPC_CAMEL, "SNAKE_STRING": GRPC_SNAKE, "NUMBER": GRPC_NUMBER})]
cdef list SERVER_NAME_FORMS = [
    ("first", {"SNI_ONLY": SNI_ONLY, "SNI_FIRST": SNI_FIRST, "HOST_FIRST": HOST_FIRST}),
    ("second", {"ORIG_OR_HOST": ORIGINAL_OR_CURRENT, "ORIG": ORIGINAL, "HOST": CURRENT}),
]
cdef list PATH_FORMS = [
    ("id", {"WQ": 0, "NQ": 1}), ("second", {"ORIG_OR_PATH": ORIGINAL_OR_CURRENT, "ORIG": ORIGINAL, "PATH": CURRENT}),
]
cdef list QUERY_FORMS = [("id", {"ORIG": 0, "DECODED": 1})]
cdef list DETAILS_FORMS = [("id", {"ALLOW_WHITESPACES": 0})]


cdef dict _grpc_form(str name, argument):
    return _choices(name, argument, GRPC_FORMS)


cdef dict _server_name_form(str name, argument):
    return _choices(name, argument, SERVER_NAME_FORMS)


cdef dict _path_form(str name, argument):
    return _choices(name, argument, PATH_FORMS)


cdef dict _query_form(str name, argument):
    return _choices(name, argument, QUERY_FORMS)


cdef dict _details_form(str name, argument):
    return _choices(name, argument, DETAILS_FORMS)


cdef dict _required(str name, argument):
    if not argument:
        raise ValueError(f"%{name}% needs a parameter")
    return {"text": argument.encode()}


cdef dict _environment(str name, argument):
    _required(name, argument)
    value = os.environ.get(argument)
    return {"op": OP_ABSENT} if value is None else {"op": OP_LITERAL, "text": value.encode("utf-8", "surrogateescape")}


cdef dict _hostname(str name, argument):
    return {"text": socket.gethostname().encode()}


cdef dict _coalesce(str name, argument):
    try:
        operators = json.loads(argument or "")["operators"]
        steps = [_coalesced(name, operator) for operator in operators]
    except (TypeError, KeyError, json.JSONDecodeError) as error:
        raise ValueError(f'%{name}% needs a JSON object with "operators": {error}') from None
    if not steps:
        raise ValueError(f"%{name}% has no operators")
    return {"first": len(steps), "steps": steps}


cdef dict _coalesced(str name, operator):
    entry = {"command": operator} if isinstance(operator, str) else operator
    command = entry["command"]
    if command == "COALESCE":
        raise ValueError(f"%{name}% cannot hold itself")
    length = entry.get("max_length")
    return _step(command, entry.get("param"), None if length is None else str(length))


# -- operators: name -> (fields, argument parser or None, whether a length is allowed)

cdef dict OPERATORS = {}


cdef _add(names, dict fields, parser=None, bint length=False):
    for name in names.split():
        OPERATORS[name] = (fields, parser, length)


cdef _add_headers():
    _add("REQ REQUEST_HEADER", {"op": OP_REQUEST_HEADER}, "headers", True)
    _add("REQ_WITHOUT_QUERY", {"op": OP_REQUEST_HEADER_NO_QUERY}, "headers", True)
    _add("RESP RESPONSE_HEADER", {"op": OP_RESPONSE_HEADER}, "headers", True)
    _add("TRAILER RESPONSE_TRAILER", {"op": OP_TRAILER}, "headers", True)
    _add("QUERY_PARAM", {"op": OP_QUERY_PARAM}, "required", True)
    _add("QUERY_PARAMS", {"op": OP_QUERY}, "query", True)
    _add("PATH", {"op": OP_PATH}, "path", True)


cdef _add_counts():
    for name, field in (
        ("BYTES_RECEIVED", "bytes_received"), ("BYTES_SENT", "bytes_sent"), ("CONNECTION_ID", "connection_id"),
        ("DOWNSTREAM_WIRE_BYTES_RECEIVED", "wire_received"), ("DOWNSTREAM_WIRE_BYTES_SENT", "wire_sent"),
        ("UPSTREAM_WIRE_BYTES_RECEIVED", "upstream_wire_received"),
        ("UPSTREAM_WIRE_BYTES_SENT", "upstream_wire_sent"),
    ):
        _add(name, {"op": OP_COUNT, "first": field_offset(field)})
    # Heads are not counted apart from bodies: what is not body is head.
    for name, wire, body in (
        ("DOWNSTREAM_%sHEADER_BYTES_RECEIVED", "wire_received", "bytes_received"),
        ("DOWNSTREAM_%sHEADER_BYTES_SENT", "wire_sent", "bytes_sent"),
        ("UPSTREAM_%sHEADER_BYTES_SENT", "upstream_wire_sent", "bytes_received"),
        ("UPSTREAM_%sHEADER_BYTES_RECEIVED", "upstream_wire_received", "bytes_sent"),
    ):
        fields = {"op": OP_DIFFERENCE, "first": field_offset(wire), "second": field_offset(body)}
        _add(name % "" + " " + name % "DECOMPRESSED_", fields)
    for first, name in enumerate(("REQUEST_HEADERS_BYTES", "RESPONSE_HEADERS_BYTES", "RESPONSE_TRAILERS_BYTES")):
        _add(name, {"op": OP_HEAD_BYTES, "first": first})
    _add("RESPONSE_CODE", {"op": OP_RESPONSE_CODE})
    _add("UPSTREAM_REQUEST_ATTEMPT_COUNT", {"op": OP_ATTEMPTS})
    _add("BYTES_RETRANSMITTED PACKETS_RETRANSMITTED UPSTREAM_CONNECTION_ID", {"op": OP_ZERO})


cdef _add_times():
    for name, start, end in (
        ("REQUEST_DURATION", "start_us", "request_end_us"), ("REQUEST_TX_DURATION", "start_us", "upstream_last_tx_us"),
        ("RESPONSE_DURATION", "start_us", "upstream_first_rx_us"),
        ("RESPONSE_TX_DURATION", "upstream_first_rx_us", "end_us"),
    ):
        _add(name, {"op": OP_SPAN, "first": field_offset(start), "second": field_offset(end), "alternative_id": 1000})
    _add("DURATION", {"op": OP_DURATION})
    _add("COMMON_DURATION", {"op": OP_SPAN}, "span")
    for form, name in enumerate(("START_TIME", "START_TIME_LOCAL", "EMIT_TIME", "EMIT_TIME_LOCAL")):
        _add(name, {"op": OP_START_TIME, "id": form}, "time")
    _add("ROUNDTRIP_DURATION DOWNSTREAM_HANDSHAKE_DURATION UPSTREAM_CONNECTION_POOL_READY_DURATION", {"op": OP_ABSENT})


cdef _add_addresses():
    for name, field in (
        ("DOWNSTREAM_REMOTE", "remote"), ("DOWNSTREAM_DIRECT_REMOTE", "direct_remote"), ("DOWNSTREAM_LOCAL", "local"),
        ("DOWNSTREAM_DIRECT_LOCAL", "local"), ("UPSTREAM_LOCAL", "upstream_local"),
    ):
        fields = {"op": OP_ADDRESS, "first": field_offset(field)}
        _add_address(name, fields)
    _add_address("UPSTREAM_REMOTE", {"op": OP_UPSTREAM_REMOTE})
    _add("UPSTREAM_HOST UPSTREAM_HOSTS_ATTEMPTED", {"op": OP_UPSTREAM_REMOTE})
    _add("UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT", {"op": OP_UPSTREAM_REMOTE, "id": ADDRESS_WITHOUT_PORT})
    _add("UPSTREAM_HOST_NAME UPSTREAM_HOST_NAMES_ATTEMPTED", {"op": OP_UPSTREAM_HOST_NAME, "id": ADDRESS_WHOLE})
    _add("UPSTREAM_HOST_NAME_WITHOUT_PORT UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT",
         {"op": OP_UPSTREAM_HOST_NAME, "id": ADDRESS_WITHOUT_PORT})


cdef _add_address(str name, dict fields):
    _add(f"{name}_ADDRESS", {**fields, "id": ADDRESS_WHOLE})
    _add(f"{name}_ADDRESS_WITHOUT_PORT", {**fields, "id": ADDRESS_WITHOUT_PORT}, "mask")
    _add(f"{name}_PORT", {**fields, "id": ADDRESS_PORT})
    _add(f"{name}_ADDRESS_ENDPOINT_ID", {"op": OP_ABSENT})


cdef _add_texts():
    for name, field in (
        ("ROUTE_NAME", "route_name"), ("FILTER_CHAIN_NAME", "filter_chain_name"), ("STREAM_ID", "request_id"),
        ("CONNECTION_TERMINATION_DETAILS", "connection_termination_details"),
    ):
        _add(name, {"op": OP_SLICE, "first": field_offset(field)})
    _add("RESPONSE_CODE_DETAILS", {"op": OP_SLICE, "first": field_offset("response_code_details"), "id": 1}, "details")
    _add("UPSTREAM_TRANSPORT_FAILURE_REASON",
         {"op": OP_SLICE, "first": field_offset("upstream_failure_reason"), "id": 1})
    _add("PROTOCOL", {"op": OP_PROTOCOL})
    _add("UPSTREAM_PROTOCOL", {"op": OP_UPSTREAM_PROTOCOL})
    _add("RESPONSE_FLAGS", {"op": OP_FLAGS})
    _add("RESPONSE_FLAGS_LONG", {"op": OP_FLAGS, "id": 1})
    _add("UPSTREAM_CLUSTER", {"op": OP_UPSTREAM_CLUSTER})
    _add("UPSTREAM_CLUSTER_RAW", {"op": OP_UPSTREAM_CLUSTER, "id": 1})
    _add("GRPC_STATUS", {"op": OP_GRPC_STATUS}, "grpc")
    _add("GRPC_STATUS_NUMBER", {"op": OP_GRPC_STATUS, "id": GRPC_NUMBER})
    _add("REQUESTED_SERVER_NAME", {"op": OP_SERVER_NAME}, "server_name")
    _add("ACCESS_LOG_TYPE", {"op": OP_LOG_TYPE})
    _add("UNIQUE_ID", {"op": OP_UNIQUE_ID})
    _add("TRACE_ID", {"op": OP_TRACE_ID})
    _add("SPAN_ID", {"op": OP_TRACE_ID, "id": 1})
    _add("HOSTNAME", {"op": OP_LITERAL}, "hostname")
    _add("ENVIRONMENT", {"op": OP_LITERAL}, "environment", True)
    _add("COALESCE", {"op": OP_COALESCE}, "coalesce", True)


cdef dict TLS_FACTS = {
    "TLS_VERSION": FACT_VERSION, "TLS_CIPHER": FACT_CIPHER, "TLS_GROUP": FACT_GROUP, "TLS_SESSION_ID": FACT_SESSION_ID,
    "PEER_SUBJECT": FACT_PEER_SUBJECT, "PEER_ISSUER": FACT_PEER_ISSUER, "PEER_SERIAL": FACT_PEER_SERIAL,
    "PEER_FINGERPRINT_256": FACT_PEER_FINGERPRINT_256, "PEER_FINGERPRINT_1": FACT_PEER_FINGERPRINT_1,
    "PEER_CERT": FACT_PEER_CERT, "PEER_URI_SAN": FACT_PEER_URI, "PEER_DNS_SAN": FACT_PEER_DNS,
    "PEER_EMAIL_SAN": FACT_PEER_EMAIL, "PEER_IP_SAN": FACT_PEER_IP, "LOCAL_SUBJECT": FACT_LOCAL_SUBJECT,
    "LOCAL_URI_SAN": FACT_LOCAL_URI, "LOCAL_DNS_SAN": FACT_LOCAL_DNS, "LOCAL_EMAIL_SAN": FACT_LOCAL_EMAIL,
    "LOCAL_IP_SAN": FACT_LOCAL_IP,
}


# Operators whose subject does not exist here: they print what Envoy prints when there is nothing.
cdef _add_absent():
    absent = {"op": OP_ABSENT}
    _add("DYNAMIC_METADATA CLUSTER_METADATA UPSTREAM_METADATA METADATA FILTER_STATE UPSTREAM_FILTER_STATE "
         "PER_REQUEST_STATE", absent, "required", True)
    for side in ("LOCAL", "PEER"):
        _add(f"DOWNSTREAM_{side}_OTHERNAME_SAN UPSTREAM_{side}_OTHERNAME_SAN", absent)
    for name, fact in TLS_FACTS.items():
        _add(f"DOWNSTREAM_{name}", {"op": OP_TLS, "id": fact})
        if "FINGERPRINT" not in name and "SERIAL" not in name:
            _add(f"UPSTREAM_{name}", absent)
    for direction in ("DOWNSTREAM", "UPSTREAM"):
        _add(f"{direction}_DETECTED_CLOSE_TYPE {direction}_LOCAL_CLOSE_REASON", absent)
        _add(f"{direction}_PEER_CERT_V_START {direction}_PEER_CERT_V_END", absent, "time")
    _add("DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256 DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_1 DOWNSTREAM_PEER_CHAIN_SERIALS "
         "DOWNSTREAM_PEER_ISSUER_FINGERPRINT_256 DOWNSTREAM_PEER_ISSUER_SERIAL DOWNSTREAM_TRANSPORT_FAILURE_REASON "
         "TLS_JA3_FINGERPRINT TLS_JA4_FINGERPRINT UPSTREAM_SERVER_NAME UPSTREAM_CONNECTION_IDS_ATTEMPTED "
         "VIRTUAL_CLUSTER_NAME LOCAL_REPLY_BODY CUSTOM_FLAGS", absent)


cdef dict PARSERS = {
    "headers": lambda name, argument: _header_names(name, argument),
    "time": lambda name, argument: _time_format(name, argument),
    "mask": lambda name, argument: _mask(name, argument),
    "span": lambda name, argument: _span(name, argument),
    "grpc": lambda name, argument: _grpc_form(name, argument),
    "server_name": lambda name, argument: _server_name_form(name, argument),
    "path": lambda name, argument: _path_form(name, argument),
    "query": lambda name, argument: _query_form(name, argument),
    "details": lambda name, argument: _details_form(name, argument),
    "required": lambda name, argument: _required(name, argument),
    "environment": lambda name, argument: _environment(name, argument),
    "hostname": lambda name, argument: _hostname(name, argument),
    "coalesce": lambda name, argument: _coalesce(name, argument),
}

_add_headers()
_add_counts()
_add_times()
_add_addresses()
_add_texts()
_add_absent()


# -- the grammar

cdef dict _step(str name, argument, length):
    if name not in OPERATORS:
        raise ValueError(f"unknown command operator %{name}%")
    fields, parser, length_allowed = OPERATORS[name]
    if argument is not None and (parser is None or parser == "hostname"):
        raise ValueError(f"%{name}% takes no parameters")
    if length is not None and not length_allowed:
        raise ValueError(f"%{name}% takes no length")
    step = dict(fields)
    if parser is not None:
        step.update(PARSERS[parser](name, argument))
    if length is not None:
        step["max_len"] = min(int(length), 0xFFFFFFFF)
        if step["max_len"] == 0:
            step["op"], step["text"] = OP_LITERAL, b""
        if step["op"] == OP_LITERAL:
            step["text"] = step["text"][:step["max_len"]]
    return step


cdef list parse_format(str text):
    steps = []
    literal = []
    at = 0
    while at < len(text):
        percent = text.find("%", at)
        if percent < 0:
            percent = len(text)
        literal.append(text[at:percent])
        at = percent + 1
        if text.startswith("%%", percent):
            literal.append("%")
            at += 1
        elif percent < len(text):
            found = COMMAND.match(text, percent)
            if found is None:
                raise ValueError(f"no command operator at column {percent + 1} of {text[:80]!r}")
            _end_literal(steps, literal)
            steps.append(_step(found[1], found[2], found[3]))
            at = found.end()
    _end_literal(steps, literal)
    if len(steps) > MOST_STEPS:
        raise ValueError(f"the format has more than {MOST_STEPS} parts")
    return steps


cdef _end_literal(list steps, list literal):
    text = "".join(literal)
    literal.clear()
    if text:
        steps.append({"op": OP_LITERAL, "text": text.encode("utf-8", "surrogateescape")})


def operator_names():
    """Every command operator that a format may use."""
    return sorted(OPERATORS)
