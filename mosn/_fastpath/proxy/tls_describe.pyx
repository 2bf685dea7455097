"""What certificates say about themselves, for checks and the admin."""

import calendar

from mosn._fastpath.engine.openssl cimport (
    ASN1_TIME, ASN1_TIME_to_tm, BIO, BIO_free, BIO_get_mem_data, BIO_new, BIO_new_mem_buf, BIO_s_mem, BN_bn2hex,
    BN_free, ASN1_INTEGER_to_BN, ERR_clear_error, GEN_DNS, GEN_EMAIL, GEN_IPADD, GEN_URI, GENERAL_NAMES,
    GENERAL_NAMES_free, NID_subject_alt_name, OPENSSL_free, PEM_read_bio_X509, X509, X509_NAME_print_ex, X509_free,
    X509_get0_notAfter, X509_get0_notBefore, X509_get0_serialNumber, X509_get_ext_d2i, X509_get_subject_name,
    XN_FLAG_RFC2253, BIGNUM, sk_GENERAL_NAME_num, sk_GENERAL_NAME_value, tm,
)
from mosn._fastpath.proxy.tls_verify cimport general_name


KINDS = {GEN_DNS: "dns", GEN_URI: "uri", GEN_EMAIL: "email", GEN_IPADD: "ip"}


cdef object seconds(const ASN1_TIME *time):
    cdef tm parts
    if ASN1_TIME_to_tm(time, &parts) != 1:
        return 0
    return calendar.timegm((parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
                            parts.tm_sec))


cdef str subject(X509 *certificate):
    cdef BIO *bio = BIO_new(BIO_s_mem())
    cdef char *p = NULL
    cdef long n
    X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253)
    n = BIO_get_mem_data(bio, &p)
    text = p[:n].decode("utf-8", "replace") if n > 0 else ""
    BIO_free(bio)
    return text


cdef str serial(X509 *certificate):
    cdef BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL)
    cdef char *digits = BN_bn2hex(number)
    text = digits.decode().lower()
    OPENSSL_free(digits)
    BN_free(number)
    return text


cdef list names(X509 *certificate):
    cdef GENERAL_NAMES *found = <GENERAL_NAMES *>X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL)
    cdef char room[64]
    cdef const char *p
    cdef size_t n = 0
    cdef int type = 0
    cdef int i
    cdef list out = []
    if found == NULL:
        return out
    for i in range(sk_GENERAL_NAME_num(found)):
        p = general_name(sk_GENERAL_NAME_value(found, i), &type, room, &n)
        if p != NULL:
            out.append((KINDS[type], p[:n].decode("utf-8", "replace")))
    GENERAL_NAMES_free(found)
    return out


def describe_certificates(bytes text not None):
    cdef BIO *bio = BIO_new_mem_buf(<char *>text, len(text))
    cdef X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, b"")
    cdef list out = []
    while certificate != NULL:
        out.append({
            "subject": subject(certificate),
            "serial": serial(certificate),
            "names": names(certificate),
            "not_before": seconds(X509_get0_notBefore(certificate)),
            "not_after": seconds(X509_get0_notAfter(certificate)),
        })
        X509_free(certificate)
        certificate = PEM_read_bio_X509(bio, NULL, NULL, b"")
    BIO_free(bio)
    ERR_clear_error()
    return out
