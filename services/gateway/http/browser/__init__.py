"""What only browsers need: the session as a cookie, and the console's files."""
