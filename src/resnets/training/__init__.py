"""The training loop and what it needs; it is handed a model and batches and knows neither kind."""
