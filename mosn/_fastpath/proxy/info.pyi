"""Names of response flags and protocols, and addresses for tests."""

RESPONSE_FLAGS: tuple[tuple[str, str], ...]
PROTOCOL_NAMES: tuple[str, ...]

def describe_ip(text: str, port: int = 0) -> tuple[str, str, bool, bool] | None: ...
def sockaddr_text(raw: bytes, with_port: bool = True) -> str | None: ...
