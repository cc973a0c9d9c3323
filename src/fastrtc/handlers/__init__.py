"""Handler base classes, and the invoker that runs user code."""
