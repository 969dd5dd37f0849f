"""One training, from what is asked to the folder that it leaves."""
