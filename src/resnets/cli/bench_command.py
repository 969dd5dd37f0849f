def bench_command() -> None:
    """Doc."""
