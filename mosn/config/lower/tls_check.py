"""What OpenSSL says about a lowered TLS context, and what the clock says about its certificates."""

from __future__ import annotations

import time

from mosn.config.lower.context import Context, compiled
from mosn.model import TlsContext

_SOON_SECONDS = 14 * 86_400


def check_context(ctx: Context, context: TlsContext, path: str) -> None:
    """Reports certificates, keys, lists of ciphers and the like that a worker could not use."""
    if ctx.findings.failed(path):
        return
    make = compiled("mosn._fastpath.proxy.tls_context", "TlsContextObject")
    if make is None:
        return
    try:
        make(context)
    except ValueError as error:
        where, separator, text = str(error).partition(": ")
        if separator and where.startswith(path):
            ctx.report("MC0319", where, text)
        else:
            ctx.report("MC0319", path, str(error))
        return
    for certificate in context["certificates"]:
        _check_dates(ctx, certificate["chain"], f"{certificate['where']}.certificate_chain")
    if context["trusted_ca"]:
        _check_dates(ctx, context["trusted_ca"], f"{path}.common_tls_context.validation_context.trusted_ca")


def _check_dates(ctx: Context, text: bytes, path: str) -> None:
    describe = compiled("mosn._fastpath.proxy.tls_describe", "describe_certificates")
    if describe is None:
        return
    now = time.time()
    for certificate in describe(text):
        if certificate["not_after"] < now:
            ctx.report("MC0320", path, f"{certificate['subject']}: has expired")
        elif certificate["not_before"] > now:
            ctx.report("MC0320", path, f"{certificate['subject']}: is not valid yet")
        elif certificate["not_after"] < now + _SOON_SECONDS:
            days = int((certificate["not_after"] - now) // 86_400)
            ctx.report("MC0320", path, f"{certificate['subject']}: expires in {days} days")
