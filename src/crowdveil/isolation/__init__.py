"""Work on untrusted files in processes of their own: what crashes there costs one file."""
