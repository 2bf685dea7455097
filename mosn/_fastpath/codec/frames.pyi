def protocols() -> list[str]:
    """Names of the RPC protocols that are built in, in no order."""
