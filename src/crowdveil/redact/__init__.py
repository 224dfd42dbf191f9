"""Redaction: the only code that changes pixels."""
