"""Audits: what a face-recognition system does to each group of the people it is used on."""
