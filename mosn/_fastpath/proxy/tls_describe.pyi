from typing import TypedDict

class CertificateFacts(TypedDict):
    subject: str  # RFC 2253
    serial: str  # lower-case hexadecimal digits
    names: list[tuple[str, str]]  # ("dns" | "uri" | "email" | "ip", text)
    not_before: int  # seconds since 1970
    not_after: int

def describe_certificates(text: bytes) -> list[CertificateFacts]:
    """The certificates of a PEM text, in its order; what is no certificate is passed over."""
