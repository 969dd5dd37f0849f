"""Models of other libraries become ours, and ours theirs."""
