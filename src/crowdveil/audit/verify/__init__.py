"""Audits of comparisons (1:1): FMR and FNMR of groups and of pairs of groups."""
