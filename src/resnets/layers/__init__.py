"""What blocks are made of: residual branches, shortcuts, norms, stems, heads."""
