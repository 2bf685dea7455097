"""RE2."""

class RegexObject:
    pattern: str

    def __init__(self, pattern: str) -> None:
        """Raises ValueError with RE2's words."""
    def check_substitution(self, substitution: str) -> None: ...
    def full_match(self, text: bytes) -> bool: ...
