HEADER_NAMES: tuple[str, ...]
