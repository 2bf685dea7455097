"""Access logs, compiled."""

from mosn.model import AccessLog

class AccessLogsObject:
    def __init__(self, specs: list[AccessLog]) -> None:
        """Raises ValueError for a format or filter that cannot be compiled."""
