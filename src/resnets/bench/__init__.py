"""Speed and accuracy on this machine, each beside what a user would take instead."""
