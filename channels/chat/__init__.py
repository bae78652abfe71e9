"""What staff and those who ask see and can do in chat, be it Slack or the console page: pure rendering."""
