from mosn.model import Declaration

def check_declaration(spec: Declaration) -> None:
    """Raises ValueError when this cannot be compiled."""
