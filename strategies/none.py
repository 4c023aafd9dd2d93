"""No mitigation: the plain model, and the one-epoch reference that every other strategy is compared with."""

from harness.api import Strategy


class NoMitigation(Strategy):
    name = "none"
