"""Where outside bytes become our values, and our errors become answers."""
