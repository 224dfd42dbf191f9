"""Audits of searches (1:N): FPIR and FNIR of groups, and what the gallery does to them."""
