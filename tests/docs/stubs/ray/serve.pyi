"""What the programs of the documentation use of Ray Serve, which is not installed in CI."""

from typing import Any

class Deployment:
    def bind(self, *args: Any, **options: Any) -> Any: ...

def deployment(target: type, **options: Any) -> Deployment: ...
