"""The native engine: a network recorded, simplified, each convolution's kernel chosen by measuring, run from a plan."""
