"""What happens in Slack, from the event to the desk's inbox and from there into the desk."""
