"""One file per architecture: from embedded fields [N, F, D] to logits [N, T]."""
