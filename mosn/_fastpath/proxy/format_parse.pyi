"""Format strings."""

DEFAULT_LOG_FORMAT: str

def operator_names() -> list[str]:
    """Every command operator that a format may use."""
