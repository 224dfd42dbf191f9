"""Evidence that a veiled picture is safe to publish: what can still be seen, matched or read."""
