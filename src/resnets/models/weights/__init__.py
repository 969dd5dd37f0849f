"""Other libraries' weights: how each names and orders what our networks have."""
