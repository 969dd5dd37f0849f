"""Networks from specs, and the catalogue of them by name."""
