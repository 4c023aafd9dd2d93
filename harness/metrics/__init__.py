"""How good predictions are: the catalogue of metrics, their values, and rules that choose an epoch by them."""
