"""How we hear and speak: mail, chat and web."""
