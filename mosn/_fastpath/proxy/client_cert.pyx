"""x-forwarded-client-cert, by Envoy's rules (ConnectionManagerUtility::mutateXfccRequestHeader)."""

from libc.stdint cimport uint8_t
from libc.string cimport memcpy

from mosn._fastpath.head cimport H_FORWARDED_CLIENT_CERT, Header, head_get, head_has, head_remove, head_set_known
from mosn._fastpath.memory cimport Slice, arena_alloc, slice_of
from mosn._fastpath.proxy.runtime cimport (
    XFCC_ALWAYS_FORWARD_ONLY, XFCC_APPEND_FORWARD, XFCC_CERT, XFCC_CHAIN, XFCC_DNS, XFCC_FORWARD_ONLY, XFCC_SANITIZE,
    XFCC_SANITIZE_SET, XFCC_SUBJECT, XFCC_URI, HttpManager, Stream,
)
from mosn._fastpath.proxy.tls_facts cimport (
    FACT_LOCAL_URI, FACT_PEER_CERT, FACT_PEER_CHAIN, FACT_PEER_DNS, FACT_PEER_FINGERPRINT_256, FACT_PEER_SUBJECT,
    FACT_PEER_URI, TlsFacts, tls_facts,
)


cdef enum:
    NAMES = 128                 # of one kind that are told, and more than a certificate should have
    FRAMING = 128               # bytes of keys, quotes and separators, besides those of names


cdef inline char *put(char *out, const char *p, size_t n) noexcept nogil:
    memcpy(out, p, n)
    return out + n


cdef char *put_element(char *out, const char *key, size_t key_n, Slice value, bint quoted) noexcept nogil:
    out = put(out, key, key_n)
    if quoted:
        out = put(out, b'"', 1)
    out = put(out, value.p, value.n)
    if quoted:
        out = put(out, b'"', 1)
    return put(out, b";", 1)


cdef Slice next_name(Slice *names) noexcept nogil:
    # Takes one from a list with commas.
    cdef Slice name = slice_of(names.p, 0)
    while name.n < names.n and name.p[name.n] != c",":
        name.n += 1
    names.p += name.n + (1 if name.n < names.n else 0)
    names.n -= name.n + (1 if name.n < names.n else 0)
    return name


cdef char *put_names(char *out, const char *key, size_t key_n, Slice names) noexcept nogil:
    cdef int left = NAMES
    while names.n and left:
        left -= 1
        out = put_element(out, key, key_n, next_name(&names), False)
    return out


cdef char *put_details(char *out, TlsFacts *facts, int details) noexcept nogil:
    out = put_names(out, b"By=", 3, facts.texts[FACT_LOCAL_URI])
    out = put_element(out, b"Hash=", 5, facts.texts[FACT_PEER_FINGERPRINT_256], False)
    if details & XFCC_CERT:
        out = put_element(out, b"Cert=", 5, facts.texts[FACT_PEER_CERT], True)
    if details & XFCC_CHAIN:
        out = put_element(out, b"Chain=", 6, facts.texts[FACT_PEER_CHAIN], True)
    if details & XFCC_SUBJECT:
        out = put_element(out, b"Subject=", 8, facts.texts[FACT_PEER_SUBJECT], True)
    if details & XFCC_URI and facts.texts[FACT_PEER_URI].n:
        out = put_names(out, b"URI=", 4, facts.texts[FACT_PEER_URI])
    elif details & XFCC_URI:
        out = put(out, b"URI=;", 5)
    if details & XFCC_DNS:
        out = put_names(out, b"DNS=", 4, facts.texts[FACT_PEER_DNS])
    return out - 1                      # the last semicolon


cdef size_t most_bytes(TlsFacts *facts) noexcept nogil:
    # Keys of names are shorter than 5 bytes; each name is followed by a comma or is the last.
    return FRAMING + 5 * 3 * NAMES + (
        facts.texts[FACT_LOCAL_URI].n + facts.texts[FACT_PEER_FINGERPRINT_256].n + facts.texts[FACT_PEER_CERT].n +
        facts.texts[FACT_PEER_CHAIN].n + facts.texts[FACT_PEER_SUBJECT].n + facts.texts[FACT_PEER_URI].n +
        facts.texts[FACT_PEER_DNS].n)


cdef void set_details(Stream *stream, TlsFacts *facts) noexcept nogil:
    cdef HttpManager *manager = stream.manager
    cdef Header *said = NULL
    cdef char *text
    cdef char *out
    if manager.client_cert == XFCC_APPEND_FORWARD and head_has(&stream.request, H_FORWARDED_CLIENT_CERT):
        said = head_get(&stream.request, H_FORWARDED_CLIENT_CERT)
    text = <char *>arena_alloc(&stream.arena, most_bytes(facts) + (said.value_len + 1 if said != NULL else 0))
    if text == NULL:
        head_remove(&stream.request, H_FORWARDED_CLIENT_CERT)
        return
    out = text
    if said != NULL:
        out = put(put(out, said.value, said.value_len), b",", 1)
    out = put_details(out, facts, manager.client_cert_details)
    head_set_known(&stream.request, H_FORWARDED_CLIENT_CERT, text, out - text)


cdef void request_client_cert(Stream *stream) noexcept nogil:
    cdef TlsFacts *facts = NULL
    cdef int how = stream.manager.client_cert
    if how == XFCC_ALWAYS_FORWARD_ONLY:
        return
    if how != XFCC_SANITIZE and stream.info.client_tls != NULL:
        facts = tls_facts(stream.info.client_tls)
    if facts == NULL or not facts.mutual:
        if head_has(&stream.request, H_FORWARDED_CLIENT_CERT):
            head_remove(&stream.request, H_FORWARDED_CLIENT_CERT)
        return
    if how != XFCC_FORWARD_ONLY:
        set_details(stream, facts)


cdef dict HOW = {
    "sanitize": XFCC_SANITIZE, "forward_only": XFCC_FORWARD_ONLY, "append_forward": XFCC_APPEND_FORWARD,
    "sanitize_set": XFCC_SANITIZE_SET, "always_forward_only": XFCC_ALWAYS_FORWARD_ONLY,
}
cdef dict DETAILS = {"subject": XFCC_SUBJECT, "cert": XFCC_CERT, "chain": XFCC_CHAIN, "dns": XFCC_DNS, "uri": XFCC_URI}


cdef int client_cert_rules(HttpManager *out, dict spec) except -1:
    out.client_cert = HOW[spec["forward_client_cert"]]
    for name in spec["client_cert_details"]:
        out.client_cert_details |= <uint8_t><int>DETAILS[name]
    return 0
