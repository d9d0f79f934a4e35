"""Dead letters: collected from the broker, shown to administrators, handed to their consumers again."""
