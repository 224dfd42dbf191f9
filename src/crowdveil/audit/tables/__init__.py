"""Reading the tables of audits: CSV, Parquet and NPZ, whole or batch by batch."""
