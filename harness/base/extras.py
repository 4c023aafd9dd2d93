"""Optional packages: what a user does to have them."""


def installing(extra: str) -> str:
    """The command that adds an extra of `pyproject.toml`; the package is on no registry."""
    return f"pip install '.[{extra}]' in a clone of multiepoch"
