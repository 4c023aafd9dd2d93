"""The facts of the literature: each a small plan, claims with a criterion stated beforehand, and a verdict."""
