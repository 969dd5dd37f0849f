def demo_command() -> None:
    """Doc."""
