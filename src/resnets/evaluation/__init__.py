"""How good a model is: it is handed a model and batches, and returns numbers and pictures."""
