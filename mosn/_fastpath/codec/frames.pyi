def protocols() -> list[str]:
    """Names of the RPC protocols that are built in, in no order."""

def detectable() -> list[str]:
    """Those that can be told by the first bytes of a connection, in the order in which it is best to ask."""
