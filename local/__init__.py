"""The city on one machine: app.py's handlers on SQLite, and a world around them. Never shipped."""
