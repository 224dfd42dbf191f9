"""Face recognition, for evidence and audits only: alignment and embedding, in memory."""
