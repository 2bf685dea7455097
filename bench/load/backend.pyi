class Backend:
    def __init__(
        self,
        capsule: object,
        answer: bytes,
        body_length: int,
        listener: int,
        request_mark: int = 0,
        answer_mark: int = 0,
    ) -> None: ...
    def count(self) -> int: ...
    def serve(self, milliseconds: int = -1) -> None: ...
