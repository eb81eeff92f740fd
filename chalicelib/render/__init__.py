"""A notice or a reply, a locale and a channel become a message."""
