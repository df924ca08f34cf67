"""Pages served to a browser: templates, what they need to say things, and static files."""
