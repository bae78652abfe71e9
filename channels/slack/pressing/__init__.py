"""What people press, choose, fill in and type after /ticket in Slack."""
