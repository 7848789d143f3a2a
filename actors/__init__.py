"""What acts: one job, one inbox, one run() each."""
