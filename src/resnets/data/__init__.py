"""Images: where they come from, how they are decoded, changed, normalised and handed out in batches."""
