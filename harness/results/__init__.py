"""What lies on disk: runs with their records, and what each plan has come to."""
