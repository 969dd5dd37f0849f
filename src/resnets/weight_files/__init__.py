"""Reading files of weights that others wrote."""
