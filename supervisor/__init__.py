"""OTP supervision for Trio: child specs, strategies, restart budgets, mailboxes, heartbeats."""
