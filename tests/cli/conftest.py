from tests.workers.conftest import instance, make_instance

__all__ = ["instance", "make_instance"]
