"""What the desk says in Slack: in its turn, in the right place, once."""
