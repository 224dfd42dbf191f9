"""Faces across the frames of one source."""
